/**
 * Refused shares of one tally. They are held until they can be sent together with accepted ones. They make no delta of their own; otherwise strangers
 * could write rows with them.
 */

/** Workers of one user that are counted by name; the refusals of all its others are counted together. */
const MOST_NAMES = 256;
/** The most counters. Above that, refusals of further users are not counted here; the edge's own metrics have them. */
const MOST_COUNTERS = 8_192;

export interface RefusedCount {
  readonly user: string;
  /** Undefined: of workers without accepted shares. */
  readonly worker: string | undefined;
  readonly count: number;
}

export class Refusals {
  /** By user, then by worker. */
  readonly #counts = new Map<string, Map<string | undefined, number>>();
  #counters = 0;
  /** Workers with accepted shares in this tally. At its end, their refusals are counted under their own names. */
  readonly #known = new Set<string>();

  add(user: string, worker: string): void {
    const counts = this.#counts.get(user) ?? new Map<string | undefined, number>();
    const name = counts.has(worker) || counts.size < MOST_NAMES ? worker : undefined;
    const known = counts.get(name);
    if (known === undefined) {
      if (this.#counters >= MOST_COUNTERS) return;
      this.#counters += 1;
    }
    counts.set(name, (known ?? 0) + 1);
    this.#counts.set(user, counts);
  }

  /** The refusals of a worker with accepted shares; they are no longer held. */
  take(user: string, worker: string): number {
    if (this.#known.size < MOST_COUNTERS) this.#known.add(`${user},${worker}`);
    const counts = this.#counts.get(user);
    const count = counts?.get(worker);
    if (counts === undefined || count === undefined) return 0;
    counts.delete(worker);
    if (counts.size === 0) this.#counts.delete(user);
    this.#counters -= 1;
    return count;
  }

  /** All: those of workers that had accepted shares by name, all others of a user together. */
  takeAll(): RefusedCount[] {
    const all: RefusedCount[] = [];
    for (const [user, counts] of this.#counts) {
      let others = 0;
      for (const [worker, count] of counts) {
        if (worker !== undefined && this.#known.has(`${user},${worker}`)) all.push({ user, worker, count });
        else others += count;
      }
      if (others > 0) all.push({ user, worker: undefined, count: others });
    }
    this.#counts.clear();
    this.#counters = 0;
    return all;
  }

  /** Whether any is of a worker with accepted shares. */
  isOwed(): boolean {
    for (const [user, counts] of this.#counts)
      for (const worker of counts.keys()) if (this.#known.has(`${user},${worker}`)) return true;
    return false;
  }

  /** Counters held. */
  size(): number {
    return this.#counters;
  }
}
