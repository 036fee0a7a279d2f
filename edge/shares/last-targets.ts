/** The target at which a worker was last seen to keep the right pace. A new connection of that worker begins with it (docs/design.md, "Vardiff"). */

import { dropOldest } from "../../shared/drop-oldest.ts";
import type { Holder, Measured } from "../stratum/backend.ts";
import type { Prefix, Prefixes } from "./prefixes.ts";

/** The most targets that are remembered. A worker has one for each address, and one for its password; the oldest are forgotten first. */
const MAX_RECORDS = 40_000;

/**
 * Kept by user, worker and address. For sessions with the worker's password it is also kept without the address. A stranger at another address,
 * without the password, gets at neither.
 */
export class LastTargets {
  readonly #prefixes: Prefixes;
  readonly #targets = new Map<string, bigint>();

  constructor(prefixes: Prefixes) {
    this.#prefixes = prefixes;
  }

  /** A prefix was given out, or is known from before a restart. If its target was measured, the target counts. */
  given({ holder, measured, target }: Pick<Prefix, "holder" | "measured" | "target">): void {
    if (holder !== undefined && measured !== undefined) this.#note(holder, measured, target);
  }

  /** The target of a prefix in use has proved right for its worker. */
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
