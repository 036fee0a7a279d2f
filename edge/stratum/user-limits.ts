/**
 * Limits for all sessions of a user together: a rate of shares far above what vardiff asks for, and pauses for workers with wrong shares. Its memory
 * is limited.
 */

import { dropOldest } from "../../shared/drop-oldest.ts";
import { addressKey } from "../../shared/ip-address.ts";
import type { Login } from "./session-login.ts";
import type { StratumSettings } from "./settings.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Users and workers remembered; the oldest are forgotten first. */
const MAX_RECORDS = 20_000;
/** A burst may hold as many shares as the rate allows in this many seconds. */
const BURST_SECONDS = 5;
/** A share that turned out forged has cost a hash for nothing: it counts as this many shares. */
const FORGED_COST = 20;

/**
 * Kept by user *and* address. Anybody may mine for a name without its password; such a person must not be able to use up the rate of the
 * name's owner.
 */
export class UserLimits {
  readonly #settings: StratumSettings;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #pausedUntilMs = new Map<string, number>();

  constructor(settings: StratumSettings) {
    this.#settings = settings;
  }

  /** Counts a share; false = the user sends too many. `key` is of `userKey`. */
  share(key: string, nowMs: number): boolean {
    const bucket = this.#bucket(key, nowMs);
    if (bucket.left(nowMs) < 1) return false;
    bucket.take(1, nowMs);
    return true;
  }

  /** Counts the extra cost of a forged share. This never puts the user more than a second behind. */
  forged(key: string, nowMs: number): void {
    this.#bucket(key, nowMs).take(FORGED_COST - 1, nowMs, -this.#settings.userSharesPerSecond);
  }

  /** The worker's session was closed because of its shares. Until the ban is over, the worker gets no other session at this address. */
  pause(login: Login, address: string, nowMs: number): void {
    const key = workerKey(login, address);
    this.#pausedUntilMs.delete(key);
    this.#pausedUntilMs.set(key, nowMs + this.#settings.banMs);
    dropOldest(this.#pausedUntilMs, MAX_RECORDS);
  }

  /** How many milliseconds the worker is still paused; 0 = it is not. */
  pausedMs(login: Login, address: string, nowMs: number): number {
    return Math.max(0, (this.#pausedUntilMs.get(workerKey(login, address)) ?? 0) - nowMs);
  }

  #bucket(key: string, nowMs: number): TokenBucket {
    const perSecond = this.#settings.userSharesPerSecond;
    const bucket =
      this.#buckets.get(key) ?? new TokenBucket({ perSecond, burst: perSecond * BURST_SECONDS }, nowMs);
    this.#buckets.set(key, bucket);
    dropOldest(this.#buckets, MAX_RECORDS);
    return bucket;
  }
}

/** What a user's shares are counted under. */
export function userKey(user: string, address: string): string {
  return JSON.stringify([user, addressKey(address)]);
}

function workerKey({ user, worker }: Login, address: string): string {
  return JSON.stringify([user, worker, addressKey(address)]);
}
