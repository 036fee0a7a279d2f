/** Hands the inputs of shares to the hasher, those of one turn together. */

import { bytesToU64 } from "../../shared/bytes.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";

export interface ShareHashingModules {
  readonly hasher: Hasher;
  readonly logger: Logger;
}

/** An input, and who is told what it reaches. */
export interface Hashing {
  readonly input: Uint8Array;
  /** The first 8 bytes of the hash; undefined when it cannot be worked out now. Must not throw. */
  hashed(reached: bigint | undefined): void;
}

/** What waits is bounded by the requests that sessions may have without an answer. */
export class ShareHashing {
  readonly #modules: ShareHashingModules;
  #waiting: Hashing[] = [];

  constructor(modules: ShareHashingModules) {
    this.#modules = modules;
  }

  /** Tells in a later turn. */
  hash(work: Hashing): void {
    this.#waiting.push(work);
    if (this.#waiting.length === 1) queueMicrotask(() => this.#leave());
  }

  #leave(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    const inputs = batch.map(({ input }) => input);
    this.#modules.hasher.hash(inputs, "share").then(
      (hashes) => {
        batch.forEach((work, at) => {
          const hash = hashes[at];
          work.hashed(hash === undefined ? undefined : bytesToU64(hash));
        });
      },
      (thrown: unknown) => {
        this.#modules.logger.warn("shares could not be hashed", {
          shares: batch.length,
          error: coerceError(thrown).message,
        });
        for (const work of batch) work.hashed(undefined);
      },
    );
  }
}
