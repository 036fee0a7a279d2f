/** Estimates from a graded block: the network's hash rate and the target needed for its cutoff place (docs/spec.md, "Targets"). */

import { HASH_SPACE } from "./target.ts";

/** Hashing time of a block in the hash-rate formulas: ten minutes less the two without work, as on mainnet. */
export const MINING_PERIOD_SECONDS = 480;

/** The graded entry that the estimate starts from: the 50th, or the last of fewer. */
const REFERENCE_PLACE = 50;

const HASH_SPACE_DOUBLE = 2 ** 64;

/**
 * Hashes per second of everybody together, when the best `spot` results of `seconds` end at `target`:
 * `spot·2^64/(2^64−target)/seconds`, in doubles. Without time it is infinite, without time and results 0.
 */
export function effectiveHashrate(target: bigint, spot: number, seconds: number): number {
  const space = HASH_SPACE_DOUBLE - Number(target);
  // Differs from prosper-pool: within 1,024 of the end the target rounds to 2^64, and the space left to zero; it is
  // then taken from the integers, so that the highest targets have a rate too.
  const safeSpace = space === 0 ? Number(HASH_SPACE - target) : space;
  const hashes = (spot * HASH_SPACE_DOUBLE) / safeSpace;
  // Differs from prosper-pool: 0/0 ends the process there.
  return hashes === 0 ? 0 : hashes / seconds;
}

/** The target expected at place `spot` after `hashes` hashes, in integers; 0 when there are not more hashes than places. */
export function expectedTargetAtPlace(hashes: bigint, spot: number): bigint {
  const place = BigInt(spot);
  // Differs from prosper-pool: fewer hashes than places give the low bits of a negative number there, none a crash.
  if (hashes <= place) return 0n;
  return ((HASH_SPACE - 1n) * (hashes - place)) / hashes;
}

/**
 * The target expected at place `cutoff` of a block mined at `hashrate`: `2^64·(h·480−cutoff)/(h·480)`, in doubles.
 * 0 for a network of fewer hashes than the cutoff; "beyond-double" where the double reaches 2^64.
 */
export function projectedTarget(hashrate: number, cutoff: number): bigint | "beyond-double" {
  const hashes = hashrate * MINING_PERIOD_SECONDS;
  // Differs from prosper-pool: a negative double becomes a huge target there; a tiny network leaves it to the softmax.
  if (hashes <= cutoff) return 0n;
  const projected = (HASH_SPACE_DOUBLE * (hashes - cutoff)) / hashes;
  return projected < HASH_SPACE_DOUBLE ? BigInt(Math.trunc(projected)) : "beyond-double";
}

/** The target to beat for a place above `cutoff`, in a network whose place `spot` was taken at `target`. */
export function minimumTargetFromPlace(target: bigint, spot: number, cutoff: number): bigint {
  // Differs from prosper-pool: it crashes where the target or the result rounds to 2^64; the integers have an answer.
  if (Number(target) === HASH_SPACE_DOUBLE) return exactMinimumTarget(target, spot, cutoff);
  const projected = projectedTarget(effectiveHashrate(target, spot, MINING_PERIOD_SECONDS), cutoff);
  return projected === "beyond-double" ? exactMinimumTarget(target, spot, cutoff) : projected;
}

/** The same formula in integers: `2^64 − cutoff·(2^64−target)/spot`. */
function exactMinimumTarget(target: bigint, spot: number, cutoff: number): bigint {
  const places = BigInt(spot);
  const gap = (BigInt(cutoff) * (HASH_SPACE - target) + places - 1n) / places;
  return gap < 1n ? HASH_SPACE - 1n : HASH_SPACE - gap;
}

/**
 * The minimum target that a block's graded entries stand for, from their self-reported difficulties in any order.
 * A block without entries has none (undefined) and leaves the moving average alone.
 */
export function minimumTargetOfBlock(
  gradedDifficulties: readonly bigint[],
  cutoff: number,
): bigint | undefined {
  // Differs from prosper-pool: it counts the places of the grade order, where the 50th may be any of them.
  const byDifficulty = [...gradedDifficulties].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const spot = Math.min(REFERENCE_PLACE, byDifficulty.length);
  const target = byDifficulty[spot - 1];
  return target === undefined ? undefined : minimumTargetFromPlace(target, spot, cutoff);
}
