/** Proof files for miners, made when they are asked for: a sealed block never changes, so its proofs and receipts never do (docs/proofs.md). */

import type { Clock } from "../../../shared/clock.ts";
import type { Db } from "../../../shared/db/port.ts";
import { sealedBooksOf } from "../../../shared/db/proofs.ts";
import { readLeaves } from "../../../shared/db/seals.ts";
import { WORKER_LIMITS } from "../../../shared/db/workers.ts";
import { CodedError } from "../../../shared/errors.ts";
import { WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import type { ProofFile } from "../../../shared/proofs/proof-file.ts";
import { formatProof } from "../../../shared/proofs/proof-format.ts";
import { signReceipt } from "../../../shared/proofs/receipt.ts";
import { cachedBy } from "../http/cache.ts";
import type { ReceiptKeySource } from "./receipt-keys.ts";

/** Trees kept for other workers who ask about the same block. A tree of 10,000 workers takes some MB. */
const KEPT_TREES = 4;
const KEEP_TREE_MS = 60_000;
/**
 * Each worker's receipt takes a signature, so a user with more workers in a block asks for one worker at a time. This is the number of
 * workers that the books have room for (WORKER_LIMITS), and the rest row; only blocks from before that limit have more.
 */
export const MOST_WORKERS = WORKER_LIMITS.inJob + 1;

export type ProofOutcome =
  | { readonly kind: "proof"; readonly file: ProofFile }
  /** The block is not sealed, or there is none. */
  | { readonly kind: "not-sealed" }
  | { readonly kind: "no-work" }
  | { readonly kind: "too-many"; readonly workers: number };

export interface Proofs {
  /** The proof of one worker, or of all the user's workers. Throws CodedError `root-mismatch`: the stored work is not what was sealed. */
  prove(height: number, user: string, worker?: string): Promise<ProofOutcome>;
}

export function createProofs(
  options: { poolName: string },
  modules: { db: Db; clock: Clock; receiptKeys?: ReceiptKeySource },
): Proofs {
  const { db, clock } = modules;
  const treeOf = cachedBy(
    clock,
    KEEP_TREE_MS,
    KEPT_TREES,
    inTurn((height: string) => loadTree(db, Number(height))),
  );
  return {
    async prove(height, user, worker) {
      const books = await sealedBooksOf(db, height, user);
      if (books === undefined) return { kind: "not-sealed" };
      const tree = await treeOf(String(height));
      if (tree.root !== books.root)
        throw new CodedError(
          "root-mismatch",
          `block ${height}: the stored work makes root ${tree.root}, sealed was ${books.root}: run prosper audit --replay`,
        );
      const proof = tree.prove(user, worker);
      if (proof === undefined) return { kind: "no-work" };
      if (proof.workers.length > MOST_WORKERS) return { kind: "too-many", workers: proof.workers.length };
      const { root, amount, ...money } = books;
      const { poolName: pool } = options;
      const keys = (await modules.receiptKeys?.())?.signing;
      const stated = { pool, height, root, amount: amount ?? 0n };
      const receipts =
        keys === undefined ? [] : proof.workers.map((leaf) => signReceipt({ ...stated, ...leaf }, keys));
      return {
        kind: "proof",
        file: formatProof(proof, { pool, root, ...tree.sums, books: money }, receipts),
      };
    },
  };
}

async function loadTree(db: Db, height: number): Promise<WorkTree> {
  return new WorkTree(height, await readLeaves(db, height));
}

/** One call at a time: a tree takes some tens of milliseconds of hashing. Many at once would make miners wait. */
function inTurn<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (key) => {
    const mine = last.then(() => load(key));
    last = mine.catch(() => undefined);
    return mine;
  };
}
