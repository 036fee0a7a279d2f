/** Quotients rounded to a given number of mantissa bits, as the reference's arbitrary-precision floats round them (docs/spec.md, "Targets"). */

/** The number `mantissa · 2^exponent`, not negative. */
export interface Dyadic {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Bits needed to write `value` (0 needs none). `value` must not be negative. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/**
 * `numerator / denominator` with `precision` mantissa bits, to nearest, ties to even.
 * The numerator must be ≥ 0, the denominator > 0 (RangeError otherwise).
 */
export function roundedQuotient(numerator: bigint, denominator: bigint, precision: number): Dyadic {
  if (numerator < 0n || denominator <= 0n)
    throw new RangeError(`expected a quotient of positive numbers, got ${numerator}/${denominator}`);
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  const shift = precision + 2 + bitLength(denominator) - bitLength(numerator);
  const scaledNumerator = shift > 0 ? numerator << BigInt(shift) : numerator;
  const scaledDenominator = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = scaledNumerator / scaledDenominator;
  const inexact = scaledNumerator % scaledDenominator !== 0n;
  const drop = bitLength(quotient) - precision;
  return { mantissa: dropBits(quotient, drop, inexact), exponent: drop - shift };
}

/** `value` without its lowest `drop` bits, rounded to nearest, ties to even; `inexact` says that more followed below them. */
function dropBits(value: bigint, drop: number, inexact: boolean): bigint {
  const kept = value >> BigInt(drop);
  const rest = value - (kept << BigInt(drop));
  const half = 1n << BigInt(drop - 1);
  const isTie = rest === half && !inexact;
  const roundsUp = isTie ? (kept & 1n) === 1n : rest >= half;
  return roundsUp ? kept + 1n : kept;
}

/** The nearest double: a second rounding where the mantissa is longer than 53 bits. */
export function dyadicToNumber(value: Dyadic): number {
  return Number(value.mantissa) * 2 ** value.exponent;
}

/** The integer part. */
export function dyadicToInteger(value: Dyadic): bigint {
  return value.exponent >= 0
    ? value.mantissa << BigInt(value.exponent)
    : value.mantissa >> BigInt(-value.exponent);
}
