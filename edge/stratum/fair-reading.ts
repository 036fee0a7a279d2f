/** Turns at the event loop: who sends a thousand lines at once has them read a few at a time, and nobody waits for anybody's flood. */

import type { Clock } from "../../shared/clock.ts";

/** Then timers, sockets and hashing threads have theirs. */
const BUDGET_MS = 5;

export class FairReading {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `work` in a later turn of the event loop, after all who asked before. It must not throw. */
  next(work: () => void): void {
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
      work();
      if (this.#clock.monotonicMs() >= untilMs) break;
    }
    // Who has had a turn stands behind who has not.
    const again = this.#waiting;
    this.#waiting = [];
    for (const work of [...batch.slice(done), ...again]) this.next(work);
  }
}
