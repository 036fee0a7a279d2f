/**
 * One hash over all books that are final (docs/proofs.md): two machines with the same hash have the same books. Lines of JSON arrays,
 * numbers beyond 2^53 as decimal strings, each with a newline.
 */

import { createHash } from "node:crypto";
import type { Settlement } from "../accounting/seal.ts";
import type { WorkSums } from "./rebook.ts";

export interface HashedBlock extends Settlement {
  readonly reward: bigint;
  readonly carriedIn: bigint;
}

export class BooksHash {
  readonly #hash = createHash("sha256");

  /** A sealed block, in the order of the heights. */
  block(
    job: { height: number; rate: bigint | null; split: string | null; credit: string | null },
    books: HashedBlock,
    work: readonly WorkSums[],
  ): void {
    const { height, rate, split, credit } = job;
    const { reward, carriedIn, fee, paid, carried, root } = books;
    this.line("block", height, rate, split, credit, reward, carriedIn, fee, paid, carried, root);
    for (const sums of work)
      this.line(
        ...["work", height, sums.user, sums.worker, sums.shares, sums.work],
        ...[sums.best, sums.rejected, sums.lateShares],
      );
    for (const { user, shares, work: sum, amount } of books.users)
      this.line("payout", height, user, shares, sum, amount);
  }

  line(...fields: (string | number | bigint | null)[]): void {
    const texts = fields.map((field) => (typeof field === "bigint" ? field.toString() : field));
    this.#hash.update(`${JSON.stringify(texts)}\n`);
  }

  /** 64 hex digits over everything so far. */
  hex(): string {
    return this.#hash.copy().digest("hex");
  }
}
