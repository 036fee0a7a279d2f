/** Figures for people: hash rates over a window, expected places, luck, pending amounts. No money is booked from them. */

import { feeOf, storedRate } from "../../../shared/accounting/fee.ts";
import type { BlockWithJob } from "../../../shared/db/stats.ts";
import type { PendingJob } from "../../../shared/db/user-stats.ts";
import { hashesOfWork } from "../../../shared/difficulty/work.ts";

/** The part of a block's time that counts for the network's hash rate, by the reference's rule: 8 of 10 minutes. */
const MINING_PART = 0.8;
/** A rate over a shorter time would show chance more than the miners. */
const SHORTEST_SPAN_MS = 30_000;
/** Paid places of a block, from OPR version 2 on and before. */
const PLACES = 25;
const PLACES_V1 = 10;

/** Seconds to divide a window's work by. For a miner that began inside the window they count from its beginning. */
export function spanSeconds(nowMs: number, sinceMs: number, firstMs: number | null): number {
  const from = firstMs === null ? sinceMs : Math.max(sinceMs, firstMs);
  return Math.max(SHORTEST_SPAN_MS, nowMs - from) / 1000;
}

/** The pool's hash rate in one sealed block; null before the seal. */
export function blockHashrate(block: BlockWithJob): number | null {
  if (block.work === null || block.credit === null || block.jobAtMs === null || block.nextJobAtMs === null)
    return null;
  const seconds = (block.nextJobAtMs - block.jobAtMs) / 1000;
  return seconds > 0 ? Number(hashesOfWork(block.credit, block.work)) / seconds : null;
}

/** Our part of the network's work in a block, 0 to 1; null where either is not known. */
function partOfNetwork(block: BlockWithJob, blockSeconds: number): number | null {
  if (block.work === null || block.credit === null || block.networkHashrate === null || !block.graded)
    return null;
  const networkWork = block.networkHashrate * blockSeconds * MINING_PART;
  return networkWork > 0 ? Math.min(1, Number(hashesOfWork(block.credit, block.work)) / networkWork) : null;
}

/** Places that our part of the network's work should win on average. */
export function expectedPlaces(block: BlockWithJob, blockSeconds: number): number | null {
  const part = partOfNetwork(block, blockSeconds);
  return part === null ? null : part * paidPlaces(block);
}

function paidPlaces(block: BlockWithJob): number {
  return block.version === 1 ? PLACES_V1 : PLACES;
}

export interface Luck {
  readonly blocks: number;
  readonly expectedPlaces: number;
  readonly deviation: number;
  readonly places: number;
  readonly expectedReward: bigint;
  readonly reward: bigint;
  readonly percent: number | null;
}

/** Places and reward that came, and those that our work should bring on average, over sealed, graded blocks. */
export function luckOf(blocks: readonly BlockWithJob[], blockSeconds: number): Luck {
  let counted = 0;
  let expected = 0;
  let variance = 0;
  let places = 0;
  let expectedReward = 0;
  let reward = 0n;
  for (const block of blocks) {
    const part = partOfNetwork(block, blockSeconds);
    if (part === null) continue;
    counted++;
    expected += part * paidPlaces(block);
    variance += part * (1 - part) * paidPlaces(block);
    places += block.winning;
    expectedReward += part * Number(block.payouts);
    reward += block.reward;
  }
  return {
    blocks: counted,
    expectedPlaces: expected,
    deviation: Math.sqrt(variance),
    places,
    expectedReward: BigInt(Math.round(expectedReward)),
    reward,
    percent: expected > 0 ? (100 * places) / expected : null,
  };
}

/** What a user may get from a job that is not sealed: the user's part so far of the reward (or of the usual reward), after the fee. */
export function pendingEstimate(job: PendingJob, usualReward: bigint): bigint {
  if (job.poolWork === 0n) return 0n;
  const reward = job.reward ?? usualReward;
  return ((reward - feeOf(job.height, reward, storedRate(job.feeRate))) * job.work) / job.poolWork;
}

/** A part of a whole, to six decimals. Takes bigints, since work may be too large for a double. */
export function partOf(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 1_000_000n) / whole) / 1_000_000;
}

/** The refused part of all shares; null without shares. */
export function rejectRate(shares: bigint, rejected: bigint): number | null {
  const all = shares + rejected;
  return all === 0n ? null : partOf(rejected, all);
}
