/** How many calls a node bears at a time: found out by asking more of it for as long as its answers come no later. */

import type { Clock } from "../../shared/clock.ts";

export interface PaceOptions {
  /** Calls at a time, however ill the node is. */
  readonly least: number;
  /** Of the first run. */
  readonly first: number;
  readonly most: number;
}

export interface Pace {
  /** A run begins: from a quarter of what was borne last time, or the first run's; its latency is then the measure for more. */
  restart(): void;
  /** Calls that may be under way now. */
  limit(): number;
  /** A call is made; to be told once when it has ended. */
  begin(): (ended: "answered" | "failed") => void;
}

/** Answers may come so much later than in the run's first window; beyond, more calls only wait for each other. */
const SLOWER_FACTOR = 1.5;
const SLOWER_MS = 20;
const GROWTH = 2;
/** After a failure in this run: nearer to the limit, smaller steps. */
const CAREFUL_GROWTH = 1.25;

/**
 * A window is half a limit of answers to calls made under that limit. A good one doubles the limit; one with late answers takes it back to
 * what it was, for the rest of the run or until a call fails; a failed call halves it, once a window.
 */
export function createPace({ least, first, most }: PaceOptions, { clock }: { readonly clock: Clock }): Pace {
  let limit = first;
  let earlier = first;
  let growth = GROWTH;
  let isSettled = false;
  let baseMs: number | undefined;
  let window = 0;
  let answers = 0;
  let totalMs = 0;

  const setLimit = (next: number): void => {
    earlier = limit;
    limit = Math.max(least, Math.min(most, Math.floor(next)));
    window += 1;
    answers = 0;
    totalMs = 0;
  };
  const answered = (tookMs: number): void => {
    answers += 1;
    totalMs += tookMs;
    if (isSettled || answers < limit / 2) return;
    const meanMs = totalMs / answers;
    baseMs ??= meanMs;
    if (meanMs <= baseMs * SLOWER_FACTOR + SLOWER_MS) return setLimit(limit * growth);
    isSettled = true;
    setLimit(earlier);
  };
  const failed = (): void => {
    growth = CAREFUL_GROWTH;
    isSettled = false;
    setLimit(limit / 2);
  };
  return {
    restart() {
      growth = GROWTH;
      isSettled = false;
      baseMs = undefined;
      if (window > 0) setLimit(Math.max(limit / 4, Math.min(limit, first)));
      earlier = limit;
    },
    limit: () => limit,
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
