/** What all sessions of a user may do together: a rate of shares far above what vardiff asks for, and pauses for workers whose shares are wrong. Its memory is bounded. */

import { dropOldest } from "../../shared/drop-oldest.ts";
import { addressKey } from "../../shared/ip-address.ts";
import type { Login } from "./session-login.ts";
import type { StratumSettings } from "./settings.ts";

/** Users and workers remembered; the oldest are forgotten first. */
const MAX_RECORDS = 20_000;
/** A burst may hold as many shares as the rate allows in this many seconds. */
const BURST_SECONDS = 5;
/** A share that turned out forged has cost a hash for nothing: it counts as this many shares. */
const FORGED_COST = 20;

interface Bucket {
  readonly tokens: number;
  readonly filledMs: number;
}

/**
 * Kept by user *and* address: anybody may mine for a name without its password, and must not be able to use up what its
 * owner may send.
 */
export class UserLimits {
  readonly #settings: StratumSettings;
  readonly #buckets = new Map<string, Bucket>();
  readonly #pausedUntilMs = new Map<string, number>();

  constructor(settings: StratumSettings) {
    this.#settings = settings;
  }

  /** Counts a share; false = the user sends too many. `key` is of `userKey`. */
  share(key: string, nowMs: number): boolean {
    const tokens = this.#tokens(key, nowMs);
    if (tokens < 1) return false;
    this.#put(key, tokens - 1, nowMs);
    return true;
  }

  /** Counts what a forged share costs beyond any other; it never leaves the user more than a second behind. */
  forged(key: string, nowMs: number): void {
    const rest = this.#tokens(key, nowMs) - (FORGED_COST - 1);
    this.#put(key, Math.max(rest, -this.#settings.userSharesPerSecond), nowMs);
  }

  /** The worker's session was closed for its shares: until the ban is over it gets no other at this address. */
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

  #tokens(key: string, nowMs: number): number {
    const rate = this.#settings.userSharesPerSecond;
    const full = rate * BURST_SECONDS;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return full;
    return Math.min(full, bucket.tokens + ((nowMs - bucket.filledMs) * rate) / 1000);
  }

  #put(key: string, tokens: number, nowMs: number): void {
    this.#buckets.set(key, { tokens, filledMs: nowMs });
    dropOldest(this.#buckets, MAX_RECORDS);
  }
}

/** What a user's shares are counted under. */
export function userKey(user: string, address: string): string {
  return JSON.stringify([user, addressKey(address)]);
}

function workerKey({ user, worker }: Login, address: string): string {
  return JSON.stringify([user, worker, addressKey(address)]);
}
