/** Hands the inputs of shares to the hasher, those of one turn together. */

import { bytesToU64 } from "../../shared/bytes.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";

export interface ShareHashingModules {
  readonly hasher: Hasher;
  readonly logger: Logger;
}

interface Waiting {
  readonly input: Uint8Array;
  readonly done: (reached: bigint | undefined) => void;
}

/** What waits is bounded by the requests that sessions may have without an answer. */
export class ShareHashing {
  readonly #modules: ShareHashingModules;
  #waiting: Waiting[] = [];

  constructor(modules: ShareHashingModules) {
    this.#modules = modules;
  }

  /** Calls `done` in a later turn with the first 8 bytes of the input's hash; undefined when it cannot be worked out now. `done` must not throw. */
  reached(input: Uint8Array, done: (reached: bigint | undefined) => void): void {
    this.#waiting.push({ input, done });
    if (this.#waiting.length === 1) queueMicrotask(() => this.#leave());
  }

  #leave(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    const inputs = batch.map(({ input }) => input);
    this.#modules.hasher.hash(inputs, "share").then(
      (hashes) => {
        batch.forEach(({ done }, at) => {
          const hash = hashes[at];
          done(hash === undefined ? undefined : bytesToU64(hash));
        });
      },
      (thrown: unknown) => {
        this.#modules.logger.warn("shares could not be hashed", {
          shares: batch.length,
          error: coerceError(thrown).message,
        });
        for (const { done } of batch) done(undefined);
      },
    );
  }
}
