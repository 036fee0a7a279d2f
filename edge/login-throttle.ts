/** Slows down failed logins over stratum: by name at an address, by address, and by name, each longer than the last. In memory, bounded. */

import {
  type BackoffLimit,
  type LoginBackoff,
  type LoginLimits,
  lockedFor,
  loginLimits,
} from "../shared/accounts/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { type AddressRanges, addressKey, addressRanges } from "../shared/ip-address.ts";
import type { LoginThrottle } from "./accounts.ts";
import { dropOldest } from "./drop-oldest.ts";

export interface LoginThrottleOptions extends LoginBackoff {
  /** Addresses and CIDR ranges that are not counted as addresses: farms, balancers. */
  readonly exemptAddresses: readonly string[];
}

/** Keys remembered; the oldest are forgotten first. */
const MAX_KEYS = 50_000;

type Key = readonly [key: string, limit: BackoffLimit];

interface Strikes {
  failures: number;
  lastMs: number;
  lockedUntilMs: number;
}

/**
 * A try counts as a failure from its beginning, so that many at once do not pass before the first has failed; its end takes the
 * count back where it was none.
 */
export function createLoginThrottle(
  options: LoginThrottleOptions,
  modules: { readonly clock: Clock },
): LoginThrottle {
  const limits = loginLimits(options);
  const exempt = addressRanges("exemptAddresses", options.exemptAddresses);
  const strikes = new Map<string, Strikes>();
  return {
    mayTry(user, address) {
      const nowMs = modules.clock.monotonicMs();
      const kept = keysOf(user, address, exempt, limits).map(([key, limit]) => ({
        key,
        limit,
        record: current(strikes.get(key), limit, nowMs),
      }));
      if (kept.some(({ record }) => record.lockedUntilMs > nowMs)) return false;
      for (const { key, limit, record } of kept) {
        record.failures += 1;
        record.lastMs = nowMs;
        record.lockedUntilMs = nowMs + lockedFor(record.failures, limit);
        strikes.set(key, record);
      }
      dropOldest(strikes, MAX_KEYS);
      return true;
    },
    report(user, address, outcome) {
      if (outcome === "failed") return;
      const [pair, ...wider] = keysOf(user, address, exempt, limits);
      for (const [key] of wider) takeBack(strikes.get(key));
      if (pair === undefined) return;
      if (outcome === "passed") strikes.delete(pair[0]);
      else takeBack(strikes.get(pair[0]));
    },
  };
}

function keysOf(user: string, address: string, exempt: AddressRanges, limits: LoginLimits): Key[] {
  const from = addressKey(address);
  const keys: Key[] = [
    [JSON.stringify([user, from]), limits.pair],
    [JSON.stringify([user]), limits.user],
  ];
  if (!exempt.has(address)) keys.push([JSON.stringify([0, from]), limits.address]);
  return keys;
}

function current(record: Strikes | undefined, limit: BackoffLimit, nowMs: number): Strikes {
  return record === undefined || nowMs - record.lastMs >= limit.forgetMs
    ? { failures: 0, lastMs: nowMs, lockedUntilMs: 0 }
    : record;
}

/** The lock that this try set falls with it; the failures before it stay. */
function takeBack(record: Strikes | undefined): void {
  if (record === undefined) return;
  record.failures = Math.max(0, record.failures - 1);
  record.lockedUntilMs = 0;
}
