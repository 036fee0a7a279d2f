/** The range that chance keeps a sum of rewards in, on 95 of 100 fair days (docs/decisions/earnings.md). */

/** Standard deviations that hold 95 % of a normal variable. */
const WITHIN_95 = 1.96;

/** What was to be expected; `variance` of what came about it. In the same unit, and that unit squared. */
export interface Chance {
  readonly mean: number;
  readonly variance: number;
}

export interface Band {
  readonly low: number;
  readonly high: number;
}

/**
 * Of a gamma variable with this mean and variance (Wilson and Hilferty's cube root): never below zero, and longer upwards where little is
 * expected, as counts of rare places are.
 */
export function bandOf({ mean, variance }: Chance): Band {
  if (mean <= 0) return { low: 0, high: 0 };
  const spread = variance / (9 * mean * mean);
  const at = (deviations: number): number =>
    mean * Math.max(0, 1 - spread + deviations * Math.sqrt(spread)) ** 3;
  return { low: at(-WITHIN_95), high: at(WITHIN_95) };
}

/** By how many standard deviations `came` is above what was expected; undefined where nothing could differ. */
export function deviationsOf(came: number, { mean, variance }: Chance): number | undefined {
  return variance > 0 ? (came - mean) / Math.sqrt(variance) : undefined;
}
