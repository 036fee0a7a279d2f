/** Fair reading: of a connection that sends a thousand lines at once, a few are read at a time, so that others need not wait for it. */

import type { Clock } from "../../shared/clock.ts";

/** How long lines are read at a time. After it timers, sockets and hashing threads have their turn. */
const BUDGET_MS = 5;

/** `isAlone`: nobody else waits for a turn. */
type Turn = (isAlone: boolean) => void;

export class FairReading {
  readonly #clock: Clock;
  #waiting: Turn[] = [];
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `work` in a later turn of the event loop, after all calls that were asked for before. It must not throw. */
  next(work: Turn): void {
    this.#waiting.push(work);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#isDue = false;
    const batch = this.#waiting;
    this.#waiting = [];
    const untilMs = this.#clock.monotonicMs() + BUDGET_MS;
    let done = 0;
    for (const work of batch) {
      done += 1;
      work(batch.length === 1);
      if (this.#clock.monotonicMs() >= untilMs) break;
    }
    // Connections that were read now wait behind those that were not.
    const again = this.#waiting;
    this.#waiting = [];
    for (const work of [...batch.slice(done), ...again]) this.next(work);
  }
}
