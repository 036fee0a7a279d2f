/** Estimates of a worker's hash rate, in hashes per second (docs/spec.md, "Hash rates"). For people only: no money depends on them. */

import { effectiveHashrate } from "../difficulty/network-hashrate.ts";

/** Best targets kept per worker and job. */
export const BEST_TARGETS_KEPT = 30;

/** With fewer shares the result is mostly chance, so there is no estimate. */
const FEWEST_SHARES = 5;

/**
 * From the k best targets of a worker (highest first, at most 30): `k·2^64/(2^64−t)/seconds`, t the k-th.
 * 0 with fewer than five, or without time.
 */
export function hashrateFromBest(best: readonly bigint[], seconds: number): number {
  const last = best.at(-1);
  // Differs from prosper-pool: without time it divides by zero, and stores an infinite rate.
  if (last === undefined || best.length < FEWEST_SHARES || !(seconds > 0)) return 0;
  return effectiveHashrate(last, best.length, seconds);
}

/** From credited work, in hashes: steadier than the best targets, since every share counts. 0 without time. */
export function hashrateFromWork(hashes: bigint, seconds: number): number {
  return seconds > 0 ? Number(hashes) / seconds : 0;
}
