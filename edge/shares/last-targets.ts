/** The target at which a worker was last seen to keep the pace, so that a new connection of its begins there (docs/design.md, "Vardiff"). */

import { dropOldest } from "../../shared/drop-oldest.ts";
import type { Holder, Measured } from "../stratum/backend.ts";
import type { Prefix, Prefixes } from "./prefixes.ts";

/** Workers remembered, once by address and once by password; the oldest are forgotten first. */
const MAX_RECORDS = 40_000;

/** By user, worker and address; of sessions with the worker's password also without the address. A stranger without it, elsewhere, reaches neither. */
export class LastTargets {
  readonly #prefixes: Prefixes;
  readonly #targets = new Map<string, bigint>();

  constructor(prefixes: Prefixes) {
    this.#prefixes = prefixes;
  }

  /** A prefix was given out, or is known from before a restart: its target counts where it was measured. */
  given({ holder, measured, target }: Pick<Prefix, "holder" | "measured" | "target">): void {
    if (holder !== undefined && measured !== undefined) this.#note(holder, measured, target);
  }

  /** The target of a prefix that is out has proved right for its worker. */
  proved(prefix: number, where: Measured): void {
    const known = this.#prefixes.find(prefix);
    if (known?.holder === undefined) return;
    this.#prefixes.measure(prefix, where);
    this.#note(known.holder, where, known.target);
  }

  /** See StratumBackend.lastTarget. */
  of(holder: Holder, { address, trusted }: Measured): bigint | undefined {
    return (
      this.#targets.get(key(holder, address)) ??
      (trusted ? this.#targets.get(key(holder, undefined)) : undefined)
    );
  }

  #note(holder: Holder, { address, trusted }: Measured, target: bigint): void {
    this.#set(key(holder, address), target);
    if (trusted) this.#set(key(holder, undefined), target);
  }

  #set(text: string, target: bigint): void {
    this.#targets.delete(text);
    this.#targets.set(text, target);
    dropOldest(this.#targets, MAX_RECORDS);
  }
}

function key({ user, worker }: Holder, address: string | undefined): string {
  return JSON.stringify([user, worker, address]);
}
