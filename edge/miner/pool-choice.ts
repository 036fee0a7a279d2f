/** Which of a miner's pools it mines on: the first that there is work from, in the order of the list. */

import type { Clock, Timer } from "../../shared/clock.ts";

/** As PoolLink has them. */
export interface ChoosableLink {
  readonly isReady: boolean;
  readonly isRefused: boolean;
  readonly loggedInMs: number | undefined;
  start(): void;
  rest(): Promise<void>;
}

/** A pool that is not logged in to for so long is left for the next one, which is connected to then. */
export const AWAY_MS = 30_000;
/** So is one that is logged in to and has told no job for so long. Between two blocks a pool has none for a minute or two. */
export const IDLE_MS = 300_000;
/** A pool higher in the list is gone back to once its login has stood for so long, so that one that comes and goes is not followed each time. */
export const STEADY_MS = 30_000;
const LOOK_MS = 1_000;

export class PoolChoice<Link extends ChoosableLink> {
  readonly #links: readonly [Link, ...Link[]];
  readonly #clock: Clock;
  readonly #onChosen: (link: Link) => void;
  #active: number = 0;
  /** The links up to this one are connected, or try to be. */
  #lowest: number = 0;
  #openedMs: number;
  #idleFromMs: number | undefined;
  #timer: Timer | undefined;

  /** Nothing happens before `start`. `onChosen`: another pool than before is mined on. */
  constructor(
    links: readonly [Link, ...Link[]],
    { clock, onChosen }: { readonly clock: Clock; readonly onChosen: (link: Link) => void },
  ) {
    this.#links = links;
    this.#clock = clock;
    this.#onChosen = onChosen;
    this.#openedMs = clock.monotonicMs();
  }

  get active(): Link {
    return this.#links[this.#active] ?? this.#links[0];
  }

  start(): void {
    this.#openedMs = this.#clock.monotonicMs();
    this.#links[0].start();
    if (this.#links.length > 1) this.#tick();
  }

  stop(): void {
    this.#timer?.stop();
  }

  /** To be called when a link has changed; without a change it is looked at each second. */
  look(): void {
    const now = this.#clock.monotonicMs();
    if (this.active.isReady) {
      this.#idleFromMs = undefined;
      this.#goBack();
      return;
    }
    this.#idleFromMs ??= now;
    const idleMs = now - this.#idleFromMs;
    const isAway = this.active.loggedInMs === undefined;
    if (isAway || idleMs >= IDLE_MS) this.#change(this.#links.findIndex((link) => link.isReady));
    if (this.active.isReady) return;
    const waitedMs = Math.min(idleMs, now - this.#openedMs);
    const isLowestRefused = this.#links[this.#lowest]?.isRefused === true;
    if (isLowestRefused || waitedMs >= (isAway ? AWAY_MS : IDLE_MS)) this.#open(now);
  }

  #tick(): void {
    this.look();
    this.#timer = this.#clock.after(LOOK_MS, () => this.#tick());
  }

  #open(now: number): void {
    const next = this.#links[this.#lowest + 1];
    if (next === undefined) return;
    this.#lowest += 1;
    this.#openedMs = now;
    next.start();
  }

  /** The active pool has work. One higher in the list that has been there for a while comes first; those below what is mined on then are left. */
  #goBack(): void {
    const isSteady = (link: Link): boolean => link.isReady && (link.loggedInMs ?? 0) >= STEADY_MS;
    const higher = this.#links.slice(0, this.#active).findIndex(isSteady);
    const best = higher < 0 ? this.#active : higher;
    this.#change(best);
    if (!isSteady(this.active)) return;
    for (const link of this.#links.slice(best + 1, this.#lowest + 1)) void link.rest();
    this.#lowest = best;
  }

  #change(to: number): void {
    const link = this.#links[to];
    if (link === undefined || to === this.#active) return;
    this.#active = to;
    this.#idleFromMs = undefined;
    this.#onChosen(link);
  }
}
