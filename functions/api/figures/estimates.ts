/** Figures for people: hash rates over a window, expected places, luck, pending amounts. No money is booked from them. */

import { feeOf, storedRate } from "../../../shared/accounting/fee.ts";
import type { BlockWithJob } from "../../../shared/db/stats.ts";
import type { PendingJob } from "../../../shared/db/user-stats.ts";
import { hashesOfWork } from "../../../shared/difficulty/work.ts";
import {
  dispersionOf,
  expectedOf,
  LEAST_BLOCKS,
  type ObservedBlock,
} from "../../../shared/earnings/network-part.ts";

/** The part of a block's time that counts for the network's hash rate, by the reference's rule: 8 of 10 minutes. */
const MINING_PART = 0.8;
/** A rate over a shorter time would show chance more than the miners. */
const SHORTEST_SPAN_MS = 30_000;
/** Paid places of a block, from OPR version 2 on and before. */
const PLACES = 25;
const PLACES_V1 = 10;
/** Entries of a block that are graded, at most. */
const MOST_GRADED = 50;
/** A pool that is nearly the whole network wins nearly everything: its luck says nothing. */
const MOST_PART = 0.9;

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

/** What a graded block tells of the network; undefined where it tells nothing. */
export function observed(
  block: Pick<BlockWithJob, "entries" | "gradedEntries" | "gradedOthers" | "networkHashrate"> & Mined,
  blockSeconds: number,
): ObservedBlock | undefined {
  const { networkHashrate, work, credit, shares } = block;
  if (networkHashrate === null || networkHashrate <= 0) return undefined;
  return {
    hashes: work === null || credit === null ? 0 : Number(hashesOfWork(credit, work)),
    shares: Number(shares ?? 0n),
    networkHashes: networkHashrate * blockSeconds * MINING_PART,
    graded: block.gradedEntries ?? Math.min(MOST_GRADED, block.entries),
    others: block.gradedOthers,
    paid: block.version === 1 ? PLACES_V1 : PLACES,
    won: block.won,
  };
}

interface Mined {
  readonly version: number;
  readonly won: number;
  readonly credit: BlockWithJob["credit"];
  readonly work: bigint | null;
  readonly shares: bigint | null;
}

/** By this block alone: hashes per second of everybody, never less than the pool's, and the places that our part of their work wins on average. */
export function inNetwork(
  block: BlockWithJob,
  blockSeconds: number,
): { networkHashrate: number | null; expectedPlaces: number | null } {
  const seen = observed({ ...block, won: block.winning }, blockSeconds);
  if (seen === undefined) return { networkHashrate: null, expectedPlaces: null };
  const [expected] = expectedOf([seen]);
  const rate = networkRate(seen.hashes + (expected?.otherHashes ?? 0), blockSeconds);
  const isKnown = block.work !== null && block.graded;
  return {
    // No more digits than an estimate has: they are most of what the first page's answers weigh.
    networkHashrate: Math.ceil(Math.max(rate, blockHashrate(block) ?? 0)),
    expectedPlaces: isKnown ? Math.round((expected?.places ?? 0) * 100) / 100 : null,
  };
}

/** Hashes of a block per second of the time in which they count. */
export function networkRate(hashes: number, blockSeconds: number): number {
  return hashes / (blockSeconds * MINING_PART);
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
  const counted = blocks.flatMap((block) => {
    const seen = observed({ ...block, won: block.winning }, blockSeconds);
    return seen === undefined || block.work === null || !block.graded ? [] : [{ block, seen }];
  });
  const seen = counted.map((one) => one.seen);
  const expected = expectedOf(seen);
  const sum = (
    of: (one: { readonly part: number; readonly places: number; readonly variance: number }) => number,
  ) => expected.reduce((total, one) => total + of(one), 0);
  const expectedPlaces = sum(({ places }) => places);
  const deviation = Math.sqrt(dispersionOf(seen, expected) * sum(({ variance }) => variance));
  const places = seen.reduce((total, { won }) => total + won, 0);
  const saysNothing =
    counted.length < LEAST_BLOCKS ||
    deviation * 2 > expectedPlaces ||
    sum(({ part }) => part) > MOST_PART * counted.length;
  return {
    blocks: counted.length,
    expectedPlaces,
    deviation,
    places,
    expectedReward: BigInt(
      Math.round(
        counted.reduce((total, { block }, i) => total + (expected[i]?.part ?? 0) * Number(block.payouts), 0),
      ),
    ),
    reward: counted.reduce((total, { block }) => total + block.reward, 0n),
    percent: saysNothing ? null : (100 * places) / expectedPlaces,
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
