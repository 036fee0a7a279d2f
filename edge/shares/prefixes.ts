/** Nonce prefixes: 12 bits of slot, 20 bits of session, so that no two live sessions anywhere work on the same nonces. */

import type { Holder } from "../stratum/backend.ts";

/** 20 bits. */
export const SESSIONS = 1 << 20;

interface Quarantined extends Holder {
  /** The newest job in which it was held; nobody else gets it before that job is over. */
  readonly job: number;
}

/** A prefix is free, live (one session has it) or in quarantine (its last holder may still send shares found with it). */
export class Prefixes {
  readonly #sessions: number;
  #slot: number | undefined;
  #next = 0;
  readonly #live = new Set<number>();
  readonly #quarantine = new Map<number, Quarantined>();

  /** `sessions`: how many numbers go round; fewer than all 20 bits have is for simulations. */
  constructor(sessions = SESSIONS) {
    this.#sessions = sessions;
  }

  /** Prefixes are given out from here on. */
  useSlot(slot: number): void {
    this.#slot = slot;
  }

  /** The next free one; undefined without a slot, or when all are taken. */
  lease(): number | undefined {
    if (this.#slot === undefined) return undefined;
    for (let tried = 0; tried < this.#sessions; tried++) {
      const prefix = this.#slot * SESSIONS + this.#next;
      this.#next = (this.#next + 1) % this.#sessions;
      if (this.#live.has(prefix) || this.#quarantine.has(prefix)) continue;
      this.#live.add(prefix);
      return prefix;
    }
    return undefined;
  }

  /** The number of the session that the next lease tries. */
  nextSession(): number {
    return this.#next;
  }

  /** Goes on from here, after a restart. */
  continueFrom(session: number): void {
    this.#next = session % this.#sessions;
  }

  /** Without a holder, or before the first job, it was never used and is free at once. */
  release(prefix: number, holder: Holder | undefined, job: number | undefined): void {
    this.#live.delete(prefix);
    if (holder !== undefined && job !== undefined)
      this.#quarantine.set(prefix, { user: holder.user, worker: holder.worker, job });
  }

  /** After a restart: its holder of before may go on with it in `job`, unless a session of now has it. */
  restore(prefix: number, holder: Holder, job: number): void {
    if (!this.#live.has(prefix)) this.release(prefix, holder, job);
  }

  /** True when this holder had the prefix in `job` and gave it back. */
  wasHeldBy(prefix: number, holder: Holder, job: number): boolean {
    const past = this.#quarantine.get(prefix);
    return (
      past !== undefined && past.user === holder.user && past.worker === holder.worker && job <= past.job
    );
  }

  /** No share of `job` or an earlier one is taken any more: what was held only in those is free. */
  jobOver(job: number): void {
    for (const [prefix, past] of this.#quarantine) if (past.job <= job) this.#quarantine.delete(prefix);
  }

  stats(): { readonly live: number; readonly quarantined: number } {
    return { live: this.#live.size, quarantined: this.#quarantine.size };
  }
}
