/**
 * Repeatable random numbers for prices and rivals: one seed always gives one devnet (xorshift64*, Vigna
 * 2016).
 */

export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [from, to]. */
  between(from: number, to: number): number;
}

const MULTIPLIER = 0x2545_f491_4f6c_dd1dn;

/** Any seed is fine; generators of different seeds are unrelated. */
export function createSeededRandom(seed: number): SeededRandom {
  // Spread over all bits: the generator must not start at zero, and small seeds would start alike.
  let state = BigInt.asUintN(64, (BigInt(Math.trunc(seed)) + 1n) * 0x9e37_79b9_7f4a_7c15n) || 1n;
  const next = (): number => {
    state ^= state >> 12n;
    state = BigInt.asUintN(64, state ^ (state << 25n));
    state ^= state >> 27n;
    return Number(BigInt.asUintN(64, state * MULTIPLIER) >> 11n) / 2 ** 53;
  };
  return { next, between: (from, to) => from + Math.floor(next() * (to - from + 1)) };
}
