/** Refused shares of one book, held until they can travel beside accepted ones: alone they make no delta, or strangers could write rows by them. */

/** Workers of one user that are counted by name; the refusals of all its others are counted together. */
const MOST_NAMES = 256;
/** Counters at most. Beyond them refusals of further users are not counted; the edge's own metrics have them. */
const MOST_COUNTERS = 8_192;

export interface Refused {
  readonly user: string;
  /** Undefined: several of the user's workers. */
  readonly worker: string | undefined;
  readonly count: number;
}

export class Refusals {
  /** By user, then by worker. */
  readonly #counts = new Map<string, Map<string | undefined, number>>();
  #counters = 0;

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

  /** The worker's refusals; they are no longer held. */
  take(user: string, worker: string): number {
    const counts = this.#counts.get(user);
    const count = counts?.get(worker);
    if (counts === undefined || count === undefined) return 0;
    counts.delete(worker);
    if (counts.size === 0) this.#counts.delete(user);
    this.#counters -= 1;
    return count;
  }

  takeAll(): Refused[] {
    const all = [...this.#counts].flatMap(([user, counts]) =>
      [...counts].map(([worker, count]) => ({ user, worker, count })),
    );
    this.#counts.clear();
    this.#counters = 0;
    return all;
  }

  /** Counters held. */
  size(): number {
    return this.#counters;
  }
}
