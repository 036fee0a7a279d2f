/** The integer work that a share is credited with (docs/design.md, "The work of a share"; docs/spec.md, "Credit"). */

import { MAX_U64 } from "../bytes.ts";
import { HASH_SPACE } from "./target.ts";

/** `assigned`: the target the share had to meet. `achieved`: the difficulty it happened to reach, as the reference counts. */
export type CreditMode = "assigned" | "achieved";

/** Units of achieved work in one hash. With this many, proportions equal the reference's in all 8 decimals, and sums fit 40 digits. */
const ACHIEVED_UNITS_PER_HASH = 1n << 48n;

/** Expected hashes of a share at an assigned target, whole: 65,536 at `ffff000000000000`. */
export function assignedWork(assignedTarget: bigint): bigint {
  return HASH_SPACE / (HASH_SPACE - assignedTarget);
}

/**
 * The highest target that asks for `hashes` hashes of a share (at least 1): 2^64 − ⌊2^64/hashes⌋. Up to 2^32 hashes `assignedWork` gives back
 * the same number, so that a share is never worth more than it takes (docs/design.md, "The work of a share").
 */
export function targetOfWork(hashes: bigint): bigint {
  return HASH_SPACE - HASH_SPACE / (hashes < 1n ? 1n : hashes);
}

/** The nearest target not above this one that stands for a whole number of hashes. */
export function wholeTarget(target: bigint): bigint {
  return targetOfWork(assignedWork(target));
}

/**
 * Work of a share by the difficulty it reached, in units of 2^-48 hashes: `floor(2^112 / (2^64−1−reached))`. The highest
 * target counts like the one below it: the reference's difficulty is infinite there and ends its process.
 */
export function achievedWork(reachedTarget: bigint): bigint {
  const space = reachedTarget >= MAX_U64 ? 1n : MAX_U64 - reachedTarget;
  return (HASH_SPACE * ACHIEVED_UNITS_PER_HASH) / space;
}

/** Work of one share under the pool's credit mode. */
export function workOfShare(
  credit: CreditMode,
  share: { readonly assignedTarget: bigint; readonly reachedTarget: bigint },
): bigint {
  return credit === "assigned" ? assignedWork(share.assignedTarget) : achievedWork(share.reachedTarget);
}

/** A sum of work in whole hashes, for hash rates and for people. */
export function hashesOfWork(credit: CreditMode, work: bigint): bigint {
  return credit === "assigned" ? work : work / ACHIEVED_UNITS_PER_HASH;
}
