/** How many calls a node bears at a time: found out by asking more of it for as long as its answers come no later. */

import type { Clock } from "../../shared/clock.ts";

export interface ConcurrencyBounds {
  /** Calls at a time, however ill the node is. */
  readonly least: number;
  /** Of the first run. */
  readonly first: number;
  readonly most: number;
}

export interface ConcurrencyLimit {
  /** A run begins, with a quarter of what was borne last time, or the first run's number. */
  restart(): void;
  /** Calls that may be under way now. */
  limit(): number;
  /** How long the answers of the last window took on average; undefined before the first. */
  usualMs(): number | undefined;
  /** A call is made; to be told once when it has ended. */
  begin(): (ended: "answered" | "failed") => void;
}

/** Answers may be later by this factor and this time than when few calls are under way. Beyond that, more calls only wait for each other. */
const SLOWER_FACTOR = 1.5;
const SLOWER_MS = 20;
const GROWTH = 2;
/** After late answers or a failure in this run: nearer to the limit, smaller steps. */
const CAREFUL_GROWTH = 1.25;

/**
 * A window is half a limit of answers to calls made under that limit. A good one raises the limit, one with late answers takes it a step
 * back, a failed call halves it, once a window. What is late is measured where no more than the first run's number are under way.
 */
export function createConcurrencyLimit(
  { least, first, most }: ConcurrencyBounds,
  { clock }: { readonly clock: Clock },
): ConcurrencyLimit {
  let limit = first;
  let growth = GROWTH;
  let baseMs: number | undefined;
  let usualMs: number | undefined;
  let window = 0;
  let answers = 0;
  let totalMs = 0;

  const setLimit = (next: number): void => {
    limit = Math.max(least, Math.min(most, Math.floor(next)));
    window += 1;
    answers = 0;
    totalMs = 0;
  };
  const answered = (tookMs: number): void => {
    answers += 1;
    totalMs += tookMs;
    if (answers < limit / 2) return;
    const meanMs = totalMs / answers;
    usualMs = meanMs;
    if (limit <= first || baseMs === undefined) baseMs = meanMs;
    const isLate = meanMs > baseMs * SLOWER_FACTOR + SLOWER_MS;
    const next = isLate ? limit / growth : Math.ceil(limit * growth);
    if (isLate) growth = CAREFUL_GROWTH;
    setLimit(next);
  };
  const failed = (): void => {
    growth = CAREFUL_GROWTH;
    setLimit(limit / 2);
  };
  return {
    restart() {
      growth = GROWTH;
      baseMs = undefined;
      usualMs = undefined;
      if (window > 0) setLimit(Math.max(limit / 4, Math.min(limit, first)));
    },
    limit: () => limit,
    usualMs: () => usualMs,
    begin() {
      const mine = window;
      const atMs = clock.monotonicMs();
      return (ended) => {
        if (mine !== window) return;
        if (ended === "failed") failed();
        else answered(clock.monotonicMs() - atMs);
      };
    },
  };
}
