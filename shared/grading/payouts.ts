/** What a place in a graded block earns, and what a block earned the pool (pegnet `modules/grader`). */

import type { OprVersion } from "../opr/assets.ts";
import type { GradedBlock } from "./grade.ts";
import { rulesOf } from "./versions.ts";

/** 1e-8 PEG for the given place (0 is the winner); 0 outside the winning places. */
export function payoutAt(version: OprVersion, place: number): bigint {
  return rulesOf(version).payouts[place] ?? 0n;
}

/** The pool's part of one block. */
export interface PoolReward {
  /** Its entries among the graded ones. */
  readonly graded: number;
  /** Those of them that are paid. */
  readonly winning: number;
  /** 1e-8 PEG. */
  readonly reward: bigint;
}

/**
 * Sums what the block pays to `address`.
 * Differs from prosper-pool: the identity's name does not count, since anybody can write it into an OPR.
 */
export function poolReward(block: GradedBlock, address: string): PoolReward {
  const own = block.graded.filter((entry) => entry.opr.address === address);
  return {
    graded: own.length,
    winning: own.filter((entry) => entry.payout > 0n).length,
    reward: own.reduce((sum, entry) => sum + entry.payout, 0n),
  };
}
