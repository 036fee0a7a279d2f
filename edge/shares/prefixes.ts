/**
 * Nonce prefixes: 12 bits of slot, 20 bits of session, so that no two live sessions anywhere work on the same nonces. Each has one target for its whole
 * life, which its shares must reach and are credited for (docs/design.md, "What a share is worth is fixed before it is found").
 */

import type { Grant, Holder, Measured } from "../stratum/backend.ts";
import { type PrefixOrder, SESSION_BITS, SESSIONS } from "./prefix-order.ts";

/** A prefix that was told to a miner. */
export interface Prefix extends Grant {
  /** Undefined until its session has logged in: nothing is credited before. */
  readonly holder: Holder | undefined;
  readonly measured: Measured | undefined;
  /** A session has it. */
  readonly live: boolean;
  /** For a prefix that is not live: the newest job in which it was held. It is good for shares up to that job. */
  readonly job: number;
}

/** What a restart knows of one. */
export type RestoredPrefix = Omit<Prefix, "live">;

export interface PrefixOptions {
  /** How many session numbers there are before they repeat. Fewer than all are for simulations. */
  readonly sessions?: number;
  readonly order: PrefixOrder;
}

/** The job of a prefix that was given back while no job was open here. One may have been open at other servers, or before a restart. */
const UNOPENED = Number.POSITIVE_INFINITY;

/**
 * All prefixes that somebody may have hashed under in a job that still takes shares. Until no such job is left, a prefix that was told to anybody,
 * logged in or not, is given to nobody else.
 */
export class Prefixes {
  readonly #sessions: number;
  readonly #known = new Map<number, Prefix>();
  readonly #order: PrefixOrder;
  #slot: number | undefined;
  #next = 0;
  #lastSerial = 0;

  constructor(options: PrefixOptions) {
    this.#sessions = options.sessions ?? SESSIONS;
    this.#order = options.order;
  }

  /** From now on prefixes can be given out, in this slot. */
  useSlot(slot: number): void {
    this.#slot = slot;
  }

  /** True if only the edge of another slot can have given the prefix out. */
  isForeign(prefix: number): boolean {
    return this.#slot !== undefined && prefix >>> SESSION_BITS !== this.#slot;
  }

  /** A fresh one; undefined without a slot, or when all are taken. */
  grant(target: bigint, holder?: Holder, measured?: Measured): Prefix | undefined {
    const prefix = this.fresh();
    if (prefix === undefined) return undefined;
    this.#lastSerial += 1;
    const granted = { prefix, target, serial: this.#lastSerial, holder, measured, live: true, job: -1 };
    this.#known.set(prefix, granted);
    return granted;
  }

  /** The next number that nobody has. */
  protected fresh(): number | undefined {
    if (this.#slot === undefined) return undefined;
    for (let tried = 0; tried < this.#sessions; tried++) {
      const prefix = this.#slot * SESSIONS + this.#order(this.#next);
      this.#next += 1;
      if (!this.#known.has(prefix)) return prefix;
    }
    return undefined;
  }

  find(prefix: number): Prefix | undefined {
    return this.#known.get(prefix);
  }

  /** Its session has logged in. */
  claim(prefix: number, holder: Holder): void {
    this.#change(prefix, { holder });
  }

  measure(prefix: number, measured: Measured): void {
    this.#change(prefix, { measured });
  }

  /**
   * The session no longer mines with it. Its shares are taken up to `job`, the newest; undefined: no job is open here, and the prefix rests until the
   * next one is over.
   */
  release(prefix: number, job: number | undefined): void {
    this.#change(prefix, { live: false, job: job ?? UNOPENED });
  }

  /** The next job is there: prefixes that were given back while no job was open rest until this one is over. */
  jobOpens(height: number): void {
    for (const [prefix, { live, job }] of this.#known)
      if (!live && job === UNOPENED) this.#change(prefix, { job: height });
  }

  /** True while shares of this job may be taken under the prefix. */
  isGoodFor({ live, job }: Prefix, height: number): boolean {
    return live || height <= job;
  }

  /** After a restart: the holders may go on with these prefixes, in the jobs of the earlier run. */
  restore(prefixes: Iterable<RestoredPrefix>): void {
    for (const restored of prefixes) {
      this.#known.set(restored.prefix, { ...restored, live: false });
      this.#lastSerial = Math.max(this.#lastSerial, restored.serial);
    }
  }

  /** No more shares of `job` or an earlier one are taken: prefixes that were held only in those jobs are free. */
  jobOver(job: number): void {
    for (const [prefix, known] of this.#known)
      if (!known.live && known.job <= job) this.#known.delete(prefix);
  }

  /** Those that sessions have. */
  live(): Prefix[] {
    return [...this.#known.values()].filter(({ live }) => live);
  }

  /** The serial of the prefix that was given out last; 0: none was. */
  lastSerial(): number {
    return this.#lastSerial;
  }

  /** The place in the order that the next grant tries. */
  next(): number {
    return this.#next;
  }

  /** After a restart: continues from this place. */
  continueFrom(next: number): void {
    this.#next = next;
  }

  /** True if fewer than an eighth are free: whoever can wait then asks for none. */
  isScarce(): boolean {
    return this.#known.size * 8 > this.#sessions * 7;
  }

  stats(): { readonly live: number; readonly quarantined: number } {
    const live = this.live().length;
    return { live, quarantined: this.#known.size - live };
  }

  #change(prefix: number, changes: Partial<Prefix>): void {
    const known = this.#known.get(prefix);
    if (known !== undefined) this.#known.set(prefix, { ...known, ...changes });
  }
}
