/** How guesses at passwords and at names are slowed down, over stratum and the web alike: a few are free, then one now and then. */

import { dropOldest } from "../drop-oldest.ts";

export interface GuessLimit {
  /** Guesses that may be made one after the other. */
  readonly free: number;
  /** After them one guess every `everyMs` milliseconds: at most `free` + 1 h / `everyMs` in any hour. */
  readonly everyMs: number;
}

/** For a name from one known place, or from all unknown places together: 9 in any hour. */
export const GUESS_LIMIT: GuessLimit = { free: 5, everyMs: 15 * 60_000 };

/** For all names together from one address, so that nobody can try a list of names. */
export function addressLimit({ free, everyMs }: GuessLimit): GuessLimit {
  return { free: 4 * free, everyMs };
}

/**
 * A counter is one number: the time at which all its guesses are forgotten, 0 for none (the generic cell rate algorithm). Milliseconds to
 * wait before the next guess; 0: now. A counter that no guess can have left behind (the clock was set back) counts as empty.
 */
export function guessWaitMs(emptyAtMs: number, { free, everyMs }: GuessLimit, nowMs: number): number {
  if (emptyAtMs > nowMs + free * everyMs) return 0;
  return Math.max(0, emptyAtMs - (free - 1) * everyMs - nowMs);
}

/** The counter after one more guess. */
export function afterGuess(emptyAtMs: number, { free, everyMs }: GuessLimit, nowMs: number): number {
  const before = emptyAtMs > nowMs + free * everyMs ? nowMs : Math.max(emptyAtMs, nowMs);
  return before + everyMs;
}

/** Counters by key, in memory: those not touched for longest are forgotten first. */
export interface GuessCounters {
  /** Milliseconds to wait; 0: a guess may be made. Counts nothing. */
  waitMs(key: string): number;
  /** As `waitMs`, and counts the guess where it may be made. */
  count(key: string): number;
  /** Takes back a counted guess that turned out to be no guess. */
  takeBack(key: string): void;
}

export function createGuessCounters(
  options: { readonly limit: GuessLimit; readonly maxKeys: number },
  modules: { readonly nowMs: () => number },
): GuessCounters {
  const { limit, maxKeys } = options;
  const counters = new Map<string, number>();
  const put = (key: string, emptyAtMs: number): void => {
    counters.delete(key);
    if (emptyAtMs > modules.nowMs()) counters.set(key, emptyAtMs);
    dropOldest(counters, maxKeys);
  };
  const waitMs = (key: string): number => guessWaitMs(counters.get(key) ?? 0, limit, modules.nowMs());
  return {
    waitMs,
    count(key) {
      const wait = waitMs(key);
      if (wait === 0) put(key, afterGuess(counters.get(key) ?? 0, limit, modules.nowMs()));
      return wait;
    },
    takeBack(key) {
      const emptyAtMs = counters.get(key);
      if (emptyAtMs !== undefined) put(key, emptyAtMs - limit.everyMs);
    },
  };
}
