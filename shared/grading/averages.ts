/**
 * The averages that prices are measured against, and the distance from them. IEEE doubles in the reference's order of
 * operations: another order gives other last bits, and then other winners (pegnet `modules/grader/v1_util.go`, `v5_util.go`).
 */

/** Averages each column: `rows` hold one price per asset, at least one row, all of one length. */
export type Means = (rows: readonly Float64Array[]) => Float64Array;

/** V1 to V4: the arithmetic mean of the absolute values. */
export const arithmeticMeans: Means = (rows) => {
  const means = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) {
    for (const [i, price] of row.entries()) means[i] = (means[i] ?? 0) + Math.abs(price);
  }
  return means.map((sum) => sum / rows.length);
};

/** V5: the mean without the lowest and highest tenth of the prices, plus one more on each side. */
export const trimmedMeans: Means = (rows) => {
  const trim = Math.trunc(rows.length * 0.1) + 1;
  return (rows[0] ?? new Float64Array(0)).map((_, i) =>
    trimmedMean(
      rows.map((row) => row[i] ?? 0),
      trim,
    ),
  );
};

/**
 * The mean without the `trim` lowest and highest values; of up to three values the middle one (the upper of two).
 * Trimming more than there is gives NaN or −0, as in the reference.
 * Differs from prosper-pool: no values at all are a RangeError here, an index out of range there.
 */
export function trimmedMean(values: Iterable<number>, trim: number): number {
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  if (count <= 3) {
    const middle = sorted[Math.trunc(count / 2)];
    if (middle === undefined) throw new RangeError("expected at least one value to average, got none");
    return middle;
  }
  let sum = 0;
  for (const value of sorted.subarray(trim, Math.max(trim, count - trim))) sum += value;
  return sum / (count - 2 * trim);
}

/** Sum over all assets of the fourth power of the relative distance from the mean, less `band`. 0 is best. */
export function distance(means: Float64Array, prices: Float64Array, band: number): number {
  let sum = 0;
  for (const [i, mean] of means.entries()) {
    if (!(mean > 0)) continue;
    const off = Math.abs(((prices[i] ?? 0) - mean) / mean);
    const counted = off <= band ? 0 : off - band;
    sum += counted * counted * counted * counted;
  }
  return sum;
}
