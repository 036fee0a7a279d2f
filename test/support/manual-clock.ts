/** A clock that stands still until a test moves it; timers fire in order as time passes them. */

import type { Clock } from "../../shared/clock.ts";

export interface ManualClock extends Clock {
  /** Moves both clocks on by `ms`, firing what falls due, in the order of the due times. */
  advance(ms: number): void;
  /** Timers that have not fired. */
  pending(): number;
}

export function manualClock(startMs = 0): ManualClock {
  let now = startMs;
  let timers: { dueMs: number; fn: () => void }[] = [];
  return {
    wallMs: () => 1_600_000_000_000 + now,
    monotonicMs: () => now,
    after(delayMs, fn) {
      const timer = { dueMs: now + delayMs, fn };
      timers.push(timer);
      return { stop: () => (timers = timers.filter((other) => other !== timer)) };
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.dueMs <= until).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        now = Math.max(now, due.dueMs);
        due.fn();
      }
      now = until;
    },
    pending: () => timers.length,
  };
}
