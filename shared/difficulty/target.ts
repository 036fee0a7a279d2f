/** Targets, difficulties, hashes and hash rates, with the reference's roundings: 64 mantissa bits, then a double (docs/spec.md, "Targets"). */

import { MAX_U64 } from "../bytes.ts";
import { bitLength, type Dyadic, dyadicToInteger, dyadicToNumber, roundedQuotient } from "./rounding.ts";

/** The target of pool difficulty 1: 65,536 expected hashes. */
export const POOL_DIFFICULTY_ONE = 0xffff_0000_0000_0000n;

/** The size of the hash space, 2^64. */
export const HASH_SPACE = 1n << 64n;

const MANTISSA_BITS = 64;

/**
 * The difficulty of `target` in units of the target `one`: `(2^64−1−one) / (2^64−1−target)`.
 * The highest target has an infinite difficulty, but 1 if `one` is the highest target too.
 */
export function difficultyFromTarget(target: bigint, one: bigint = POOL_DIFFICULTY_ONE): number {
  const space = MAX_U64 - target;
  // Differs from prosper-pool: 0/0 ends the process there; a target always has difficulty 1 in units of itself.
  if (space === 0n) return one === MAX_U64 ? 1 : Number.POSITIVE_INFINITY;
  return dyadicToNumber(roundedQuotient(MAX_U64 - one, space, MANTISSA_BITS));
}

/** The target of a difficulty in units of `one`: 0 for difficulty 0, the highest target where it would lie beyond. */
export function targetFromDifficulty(difficulty: number, one: bigint = POOL_DIFFICULTY_ONE): bigint {
  if (Number.isNaN(difficulty)) throw new RangeError("expected a difficulty, got NaN");
  if (difficulty === 0) return 0n;
  if (difficulty < 0 || difficulty === Number.POSITIVE_INFINITY) return MAX_U64;
  const exact = exactDouble(difficulty);
  const scale = 1n << BigInt(Math.abs(exact.exponent));
  const quotient =
    exact.exponent >= 0
      ? roundedQuotient(MAX_U64 - one, exact.mantissa * scale, MANTISSA_BITS)
      : roundedQuotient((MAX_U64 - one) * scale, exact.mantissa, MANTISSA_BITS);
  return MAX_U64 - clampU64(dyadicToInteger(quotient));
}

/** The hashes it takes on average to reach `target`: `(2^64−1) / (2^64−1−target)`, floored. */
export function totalHashes(target: bigint): bigint {
  // Differs from prosper-pool: there the highest target has no number and crashes its callers; here it takes the whole space.
  if (target === MAX_U64) return HASH_SPACE;
  return dyadicToInteger(roundedQuotient(MAX_U64, MAX_U64 - target, MANTISSA_BITS));
}

/** The target that `hashes` hashes reach on average: `(2^64−1)·(hashes−1)/hashes`; 0 for one hash or none. */
export function targetFromHashes(hashes: bigint): bigint {
  if (hashes <= 1n) return 0n;
  const precision = Math.max(MANTISSA_BITS, bitLength(hashes));
  const product = dyadicToInteger(roundedQuotient(MAX_U64 * (hashes - 1n), 1n, precision));
  return clampU64(dyadicToInteger(roundedQuotient(product, hashes, precision)));
}

/** The target that `hashesPerSecond` reaches on average in `seconds`. */
export function targetFromHashrate(hashesPerSecond: number, seconds: number): bigint {
  const hashes = hashesPerSecond * seconds;
  if (!Number.isFinite(hashes)) throw new RangeError(`expected a finite number of hashes, got ${hashes}`);
  return targetFromHashes(BigInt(Math.trunc(hashes)));
}

/** Hashes per second, were `target` the best of `seconds` of work. */
export function hashrateFromTarget(target: bigint, seconds: number): number {
  const hashes = totalHashes(target);
  const duration = exactDouble(seconds);
  const scale = 1n << BigInt(Math.abs(duration.exponent));
  const quotient =
    duration.exponent >= 0
      ? roundedQuotient(hashes, duration.mantissa * scale, MANTISSA_BITS)
      : roundedQuotient(hashes * scale, duration.mantissa, MANTISSA_BITS);
  return dyadicToNumber(quotient);
}

function clampU64(value: bigint): bigint {
  return value > MAX_U64 ? MAX_U64 : value;
}

/** A positive double as the exact number it stands for. */
function exactDouble(value: number): Dyadic {
  if (!(value > 0) || !Number.isFinite(value))
    throw new RangeError(`expected a positive number, got ${value}`);
  let mantissa = value;
  let exponent = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent -= 1;
  }
  return { mantissa: BigInt(mantissa), exponent };
}
