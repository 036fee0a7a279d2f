/** A secret that is kept: read when it is first wanted, and again when it is old or was refused, so that a new value needs no deployment. */

import type { Clock } from "../clock.ts";
import { coerceError } from "../errors.ts";
import type { Logger } from "../logger.ts";

export interface KeptSecretOptions<T> {
  /** For the log. */
  readonly name: string;
  readonly read: () => Promise<T>;
  /** Where it is known without reading. */
  readonly first?: T;
  /** What is older is read again before it is used. */
  readonly maxAgeMs: number;
  /** Between two reads because of refusals: anybody may be refused, as often as he likes. */
  readonly againMs: number;
}

export class KeptSecret<T> {
  readonly #options: KeptSecretOptions<T>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #kept: { readonly value: T } | undefined;
  #triedMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<T> | undefined;

  constructor(options: KeptSecretOptions<T>, modules: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
    if (options.first !== undefined) this.#kept = { value: options.first };
    this.#clock = modules.clock;
    this.#logger = modules.logger;
  }

  /** Rejects as `read` does while there never was a value; later failures leave the one that there is, and are warned of. */
  get(): Promise<T> {
    return this.#kept !== undefined && this.#ageMs() <= this.#options.maxAgeMs
      ? Promise.resolve(this.#kept.value)
      : this.#read();
  }

  /** After a refusal: reads again, unless that was done a moment ago. */
  again(): Promise<T> {
    return this.#kept !== undefined && this.#ageMs() < this.#options.againMs
      ? Promise.resolve(this.#kept.value)
      : this.#read();
  }

  #ageMs(): number {
    return this.#clock.monotonicMs() - this.#triedMs;
  }

  #read(): Promise<T> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<T> {
    this.#triedMs = this.#clock.monotonicMs();
    try {
      this.#kept = { value: await this.#options.read() };
    } catch (thrown) {
      if (this.#kept === undefined) throw thrown;
      this.#logger.warn("A secret could not be read again: what was read before stays in use", {
        secret: this.#options.name,
        error: coerceError(thrown).message,
      });
    }
    return this.#kept.value;
  }
}
