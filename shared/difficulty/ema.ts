/** The moving average of the blocks' minimum targets: the threshold above which a share is submitted (docs/spec.md, "Targets"). */

/**
 * The average after a block: `previous + floor((latest−previous)·2/(points+1))`.
 * Without a previous value (undefined or 0) it is the latest; a block without OPRs (`latest` undefined) leaves it.
 * `points` ≥ 1 (RangeError otherwise).
 */
export function nextEma(
  previous: bigint | undefined,
  latest: bigint | undefined,
  points: number,
): bigint | undefined {
  // Differs from prosper-pool: fewer than one point divides by zero or swings past the newest value there.
  if (!Number.isInteger(points) || points < 1)
    throw new RangeError(`ema: expected at least 1 point, got ${points}; set submit.ema-n to 36 or so`);
  if (latest === undefined) return previous;
  if (previous === undefined || previous === 0n) return latest;
  return previous + floorDivide((latest - previous) * 2n, BigInt(points) + 1n);
}

function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}
