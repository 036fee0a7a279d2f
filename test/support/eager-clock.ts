/** A clock whose timers fire at once, one after the other, and move the time by their delay. */

import type { Clock, Timer } from "../../shared/clock.ts";

export interface EagerClock extends Clock {
  /** Moves the time without firing anything. */
  advance(ms: number): void;
  /** Delays of the timers that fired. */
  readonly fired: readonly number[];
}

export function eagerClock(wallMs = 0): EagerClock {
  let elapsedMs = 0;
  const fired: number[] = [];
  return {
    wallMs: () => wallMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, fn): Timer {
      // Whatever is ready in this turn comes first: a reply beats its time limit.
      const handle = setImmediate(() => {
        elapsedMs += delayMs;
        fired.push(delayMs);
        fn();
      });
      return { stop: () => clearImmediate(handle) };
    },
    advance(ms) {
      elapsedMs += ms;
    },
    fired,
  };
}
