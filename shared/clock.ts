/** Time and chance as parameters, so that a simulator can drive every long-lived part. */

import { randomBytes } from "node:crypto";

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

export const systemRandom: Random = (length) => new Uint8Array(randomBytes(length));

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
