/** How failed logins are slowed down, over stratum and over the web alike: a few tries free, then each failure locks for twice as long. */

/** What an operator sets. */
export interface LoginBackoff {
  /** Failures of one name from one address that cost no time. */
  readonly freeFailures: number;
  /** The longest lock. */
  readonly longestMs: number;
}

export const LOGIN_BACKOFF: LoginBackoff = { freeFailures: 5, longestMs: 15 * 60_000 };

/** For one kind of key. */
export interface BackoffLimit {
  readonly free: number;
  /** The lock after the first failure that is not free; each further one doubles it. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Without a try for so long, all is forgotten. */
  readonly forgetMs: number;
}

/**
 * `pair`: a name from an address. `address`: all names from it, so that nobody goes through a list of names. `user`: a name from
 * everywhere, so that many addresses gain nothing; its lock is short, or a stranger could lock the owner out.
 */
export interface LoginLimits {
  readonly pair: BackoffLimit;
  readonly address: BackoffLimit;
  readonly user: BackoffLimit;
}

const FIRST_MS = 2_000;
const USER_LONGEST_MS = 60_000;
const HOUR_MS = 3_600_000;

export function loginLimits({ freeFailures, longestMs }: LoginBackoff): LoginLimits {
  const forgetMs = Math.max(HOUR_MS, 2 * longestMs);
  const pair = { free: freeFailures, firstMs: FIRST_MS, longestMs, forgetMs };
  return {
    pair,
    address: { ...pair, free: 4 * freeFailures },
    user: { ...pair, free: 4 * freeFailures, longestMs: Math.min(USER_LONGEST_MS, longestMs) },
  };
}

/** Milliseconds that the n-th failure in a row locks for. */
export function lockedFor(failures: number, limit: BackoffLimit): number {
  if (failures <= limit.free) return 0;
  return Math.min(limit.longestMs, limit.firstMs * 2 ** Math.min(40, failures - limit.free - 1));
}
