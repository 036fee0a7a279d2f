/** Cheap password hashing, addresses and a hand-set clock for tests of accounts and pages. */

import { createHash, randomBytes } from "node:crypto";
import { createPasswords, type Passwords } from "../../functions/auth/password.ts";
import type { Clock } from "../../shared/clock.ts";
import { systemRandom } from "../../shared/clock.ts";
import { encodeAddress } from "../../shared/factom/address.ts";

/** argon2id at its smallest cost, so that a test of a hundred logins takes no time. */
export function cheapPasswords(limits: { concurrency?: number; queueLimit?: number } = {}): Passwords {
  return createPasswords({ ...limits, cost: { memoryKib: 8, passes: 1 } }, { random: systemRandom });
}

/** A valid FA address; the same for the same seed. */
export function addressOf(seed: string): string {
  return encodeAddress("FA", new Uint8Array(createHash("sha256").update(seed).digest()));
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** Wall and monotonic time stand still until `advance`, which fires what has come due. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsedMs = 0;
  const timers = new Set<{ atMs: number; fn: () => void }>();
  return {
    wallMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, fn) {
      const timer = { atMs: elapsedMs + delayMs, fn };
      timers.add(timer);
      return { stop: () => void timers.delete(timer) };
    },
    advance(ms) {
      elapsedMs += ms;
      for (const timer of [...timers].filter((t) => t.atMs <= elapsedMs)) {
        timers.delete(timer);
        timer.fn();
      }
    },
  };
}
