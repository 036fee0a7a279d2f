/** Lets promises settle under a clock that stands still. */

import type { ManualClock } from "./manual-clock.ts";

/** Runs all microtasks, and what they start, until nothing is left to do at this instant. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock on in steps, settling after each. */
export async function pass(clock: ManualClock, ms: number, stepMs = Math.max(1, ms / 20)): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(stepMs, left));
    await settle();
  }
}

/** The promise's value, moving the clock on until it is there; at most `limitMs`. */
export async function passUntil<T>(clock: ManualClock, promise: Promise<T>, limitMs = 60_000): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  await settle();
  for (let passed = 0; !done && passed < limitMs; passed += 5) {
    clock.advance(5);
    await settle();
  }
  if (!done) throw new Error(`nothing came of it within ${limitMs} ms of the test's clock`);
  return watched;
}
