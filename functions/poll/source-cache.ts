/** What each source said last, and when it may be asked again: successes and failures are both remembered (docs/spec.md, "Asking"). */

import type { EnabledSource } from "../../shared/prices/order.ts";
import type { Quote } from "../../shared/prices/quote.ts";
import { type FetchModules, fetchSource } from "./fetch-source.ts";

interface KeptQuote {
  readonly quote: Quote;
  /** Monotonic milliseconds. */
  readonly fetchedMs: number;
}

interface SourceState {
  readonly kept: readonly KeptQuote[];
  /** Monotonic milliseconds. */
  readonly askAgainMs: number;
  /** Rounds in a row that gave nothing. */
  readonly failedRounds: number;
  readonly failures: readonly string[];
}

/** One entry per source, so at most as many as there are sources. Keep it as long as the process lives. */
export interface SourceCache {
  readonly states: Map<string, SourceState>;
}

export function createSourceCache(): SourceCache {
  return { states: new Map() };
}

export interface CachedRound {
  readonly quotes: readonly Quote[];
  readonly failures: readonly string[];
  /** Whether the service was asked just now. */
  readonly asked: boolean;
}

/** A quote that no later round repeats counts for this long. After that only last good prices count. */
const KEEP_MS = 10 * 60_000;

/** First pause after a round that gave nothing; it doubles up to `cacheMs`. */
const FIRST_FAILURE_PAUSE_MS = 15_000;

/** The source's quotes: the remembered ones until both its own period and `cacheMs` are over, then those of a new round. Never rejects. */
export async function askSource(
  enabled: EnabledSource,
  options: { readonly assets: readonly string[]; readonly cacheMs: number },
  modules: FetchModules & { readonly cache: SourceCache },
): Promise<CachedRound> {
  const { name, minPeriodMs } = enabled.source;
  const before = modules.cache.states.get(name);
  if (before !== undefined && modules.clock.monotonicMs() < before.askAgainMs)
    return { quotes: before.kept.map(({ quote }) => quote), failures: before.failures, asked: false };
  const round = await fetchSource(enabled, options.assets, modules);
  const failedRounds = round.quotes.length > 0 ? 0 : (before?.failedRounds ?? 0) + 1;
  const pauseMs =
    failedRounds === 0
      ? Math.max(minPeriodMs, options.cacheMs)
      : failurePause(failedRounds, Math.max(minPeriodMs, options.cacheMs));
  const nowMs = modules.clock.monotonicMs();
  const state: SourceState = {
    kept: keepQuotes(before?.kept ?? [], round.quotes, nowMs),
    askAgainMs: nowMs + Math.max(pauseMs, round.retryAfterMs),
    failedRounds,
    failures: round.failures,
  };
  modules.cache.states.set(name, state);
  return { quotes: state.kept.map(({ quote }) => quote), failures: state.failures, asked: true };
}

function failurePause(failedRounds: number, longestMs: number): number {
  return Math.min(FIRST_FAILURE_PAUSE_MS * 2 ** Math.min(failedRounds - 1, 10), longestMs);
}

/** New quotes replace older ones of the same asset. A quote that the round left out is dropped when it is too old. */
function keepQuotes(older: readonly KeptQuote[], newer: readonly Quote[], nowMs: number): KeptQuote[] {
  const fresh = newer.map((quote) => ({ quote, fetchedMs: nowMs }));
  const still = older.filter(({ fetchedMs }) => nowMs - fetchedMs <= KEEP_MS);
  return [...new Map([...still, ...fresh].map((kept) => [kept.quote.asset, kept])).values()];
}

/** How long replies are remembered: 0.8 of a block, at most 8 minutes. */
export function cachePeriodMs(blockMs: number): number {
  return Math.min(0.8 * blockMs, 8 * 60_000);
}
