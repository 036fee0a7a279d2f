/** Finds out how many calls at a time a node can take: the limit rises as long as the answers do not become slower. */

import type { Clock } from "../../shared/clock.ts";

export interface ConcurrencyBounds {
  /** The limit never goes below this, however badly the node answers. */
  readonly least: number;
  /** The limit with which the first run begins. */
  readonly first: number;
  readonly most: number;
}

export interface ConcurrencyLimit {
  /** Begins a run with a quarter of the last limit, but not below the first run's number (or the last limit, if that was lower). */
  restart(): void;
  /** Calls that may be under way now. */
  limit(): number;
  /** How long the answers of the last window took on average; undefined before the first. */
  usualMs(): number | undefined;
  /** To be called when a call begins; the returned function is called once, when it has ended. */
  begin(): (ended: "answered" | "failed") => void;
}

/** Answers may take longer by this factor plus this time than with few calls under way. If they are slower, more calls only wait for each other. */
const SLOWER_FACTOR = 1.5;
const SLOWER_MS = 20;
const GROWTH = 2;
/** Used after late answers or a failure in this run: the limit is near, so that the steps are smaller. */
const CAREFUL_GROWTH = 1.25;

/**
 * A window lasts until half as many answers as the limit have come to calls made under that limit. If they came in time, the limit rises; if they
 * were late, it goes one step back. A failed call halves the limit, once in a window. "Late" is measured against windows in which the limit
 * was at most the first run's number.
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
