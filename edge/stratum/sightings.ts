/**
 * What became of each new connection, until its first share, for the page that its line was copied from (docs/decisions/connect-codes.md). A
 * bounded memory of the newest ones; what of it an open page elsewhere waits for is written down for that page (edge/page-sightings.ts), nothing else.
 */

import type { Clock } from "../../shared/clock.ts";
import { dropOldest } from "../../shared/drop-oldest.ts";
import { placeKey, type Sighted, type SightedBy } from "../../shared/messages/sighted.ts";

/** Addresses and codes that are remembered; the oldest are forgotten first. */
const MAX_KEYS = 4_096;
/** Connections of one address or code: a farm that comes back pushes out its own. */
const MAX_OF_KEY = 8;

/** Text of the pool's own, never of a client's. */
const MAX_WORDS = 300;

/** One connection as it goes. */
export class Sighting {
  readonly #clock: Clock;
  readonly #onCode: (code: string) => void;
  readonly seen: Sighted;

  constructor(clock: Clock, onCode: (code: string) => void) {
    this.#clock = clock;
    this.#onCode = onCode;
    this.seen = {
      ...{ connectedMs: clock.wallMs(), subscribedMs: null, loggedInMs: null, tablePercent: null },
      ...{ sharedMs: null, endedMs: null, user: null, worker: null, code: null, problem: null },
    };
  }

  subscribed(code: string | undefined): void {
    this.seen.subscribedMs ??= this.#clock.wallMs();
    if (code === undefined || this.seen.code !== null) return;
    this.seen.code = code;
    this.#onCode(code);
  }

  loggedIn(user: string, worker: string): void {
    Object.assign(this.seen, { loggedInMs: this.seen.loggedInMs ?? this.#clock.wallMs(), user, worker });
    this.seen.problem = null;
  }

  table(percent: number): void {
    this.seen.tablePercent = percent;
  }

  /** The first share that was taken. */
  shared(): void {
    Object.assign(this.seen, { sharedMs: this.#clock.wallMs(), tablePercent: null, problem: null });
  }

  /** What went wrong last; `code` is of a closed list (a refusal's or an EndReason), `words` are what the client was told. */
  failed(code: string, words: string): void {
    // PostgreSQL takes no half of a pair, which a cut may leave.
    this.seen.problem = { code, words: words.slice(0, MAX_WORDS).toWellFormed() };
  }

  /** `words`: why, where there is more to say than that it has gone. A problem from before says more than that it has gone. */
  ended(reason: string, words: string | undefined): void {
    this.seen.endedMs = this.#clock.wallMs();
    if (words !== undefined) this.failed(reason, words);
    else this.seen.problem ??= { code: reason, words: "the connection was closed" };
  }
}

export class Sightings {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Sighted[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A connection that has come. */
  opened(address: string): Sighting {
    const sighting = new Sighting(this.#clock, (code) => this.#put(code, sighting.seen));
    this.#put(placeKey(address), sighting.seen);
    return sighting;
  }

  /** One that was sent away before it was a session. */
  turnedAway(address: string, reason: string, words: string | undefined): void {
    this.opened(address).ended(reason, words);
  }

  /** Those that brought the code, then those from the place that brought none; of each the newest last. */
  look({ code, place }: SightedBy): readonly Sighted[] {
    const there = this.#byKey.get(place) ?? [];
    return [...(this.#byKey.get(code) ?? []), ...there.filter((one) => one.code === null)];
  }

  #put(key: string, seen: Sighted): void {
    const list = this.#byKey.get(key) ?? [];
    // Put in anew, so that the oldest are those that were not heard of for longest.
    this.#byKey.delete(key);
    this.#byKey.set(key, [...list.slice(1 - MAX_OF_KEY), seen]);
    dropOldest(this.#byKey, MAX_KEYS);
  }
}
