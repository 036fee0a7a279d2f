/** The target at which a worker was last seen to keep the pace, so that a new connection of its begins there (DESIGN.md, "Vardiff"). */

import { dropOldest } from "../../shared/drop-oldest.ts";
import type { Holder, Measured } from "../stratum/backend.ts";

/** Workers remembered, once by address and once by password; the oldest are forgotten first. */
const MAX_RECORDS = 40_000;

/** By user, worker and address; of sessions with the worker's password also without the address. A stranger without it, elsewhere, reaches neither. */
export class LastTargets {
  readonly #targets = new Map<string, bigint>();

  note(holder: Holder, { address, trusted }: Measured, target: bigint): void {
    this.#set(key(holder, address), target);
    if (trusted) this.#set(key(holder, undefined), target);
  }

  of(holder: Holder, { address, trusted }: Measured): bigint | undefined {
    return (
      this.#targets.get(key(holder, address)) ??
      (trusted ? this.#targets.get(key(holder, undefined)) : undefined)
    );
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
