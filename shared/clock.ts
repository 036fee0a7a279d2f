/** Time and chance as parameters, so that a simulator can drive every long-lived part. */

import { randomBytes, randomFillSync } from "node:crypto";

/** A running timer; `stop()` is idempotent. */
export interface Timer {
  stop(): void;
}

/** Wall time for people and records, monotonic time for every deadline, lease and rate. */
export interface Clock {
  /** Unix milliseconds. May jump. */
  wallMs(): number;
  /** Milliseconds since some start; never goes back. */
  monotonicMs(): number;
  /** Calls `fn` once after `delayMs`. */
  after(delayMs: number, fn: () => void): Timer;
}

/** `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const handle = setTimeout(fn, delayMs);
    return { stop: () => clearTimeout(handle) };
  },
};

/** Drawn ahead, since a call of the system's generator takes longer than all else about an id. No byte is given twice, or stays after it was given. */
const drawn = new Uint8Array(8_192);
let given = drawn.length;

export const systemRandom: Random = (length) => {
  if (length > drawn.length) return new Uint8Array(randomBytes(length));
  if (given + length > drawn.length) {
    randomFillSync(drawn);
    given = 0;
  }
  const bytes = drawn.slice(given, given + length);
  drawn.fill(0, given, given + length);
  given += length;
  return bytes;
};

/** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects: the caller checks the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      timer.stop();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
