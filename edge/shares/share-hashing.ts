/** Hands the inputs of shares to the hasher: a lone one at once, and many together. */

import { bytesToU64 } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";

/** An input waits at most so long for company, and only if another one left less than this ago. */
const GAP_MS = 1;

export interface ShareHashingModules {
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly input: Uint8Array;
  readonly resolve: (reached: bigint | undefined) => void;
}

/**
 * To hand a batch to a thread costs as much as several hashes: where shares come fast, one batch a millisecond is enough. What waits is bounded by the
 * requests that sessions may have without an answer.
 */
export class ShareHashing {
  readonly #modules: ShareHashingModules;
  #waiting: Waiting[] = [];
  #leftMs = Number.NEGATIVE_INFINITY;

  constructor(modules: ShareHashingModules) {
    this.#modules = modules;
  }

  /** The first 8 bytes of the input's hash; undefined when it cannot be worked out now. */
  reached(input: Uint8Array): Promise<bigint | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ input, resolve });
      if (this.#waiting.length > 1) return;
      const { clock } = this.#modules;
      const sinceMs = clock.monotonicMs() - this.#leftMs;
      if (sinceMs >= GAP_MS) this.#leave();
      else clock.after(GAP_MS, () => this.#leave());
    });
  }

  #leave(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#leftMs = this.#modules.clock.monotonicMs();
    this.#modules.hasher.hash(batch.map(({ input }) => input)).then(
      (hashes) => {
        for (const [at, { resolve }] of batch.entries()) {
          const hash = hashes[at];
          resolve(hash === undefined ? undefined : bytesToU64(hash));
        }
      },
      (thrown: unknown) => {
        this.#modules.logger.warn("shares could not be hashed", {
          shares: batch.length,
          error: coerceError(thrown).message,
        });
        for (const { resolve } of batch) resolve(undefined);
      },
    );
  }
}
