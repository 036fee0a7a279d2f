/** What a user's work should have earned on average, beside what was booked for it (docs/decisions/earnings.md). */

import { type FeeRate, feeOf } from "../accounting/fee.ts";
import { type Band, bandOf, deviationsOf } from "./fair-band.ts";
import { dispersionOf, type Expected, expectedOf, LEAST_BLOCKS, type ObservedBlock } from "./network-part.ts";

/** A sealed block of a pool, and a user's part in it. */
export interface EarningBlock extends ObservedBlock {
  readonly height: number;
  readonly atMs: number;
  /** Paid by the block to all its winners, 1e-8 PEG. */
  readonly payouts: bigint;
  readonly rate: FeeRate;
  /** Left by earlier blocks for those who worked on this one, 1e-8 PEG. */
  readonly carriedIn: bigint;
  /** The user's work and the pool's, in the books' own unit. */
  readonly userWork: bigint;
  readonly poolWork: bigint;
  /** Booked to the user, 1e-8 PEG. */
  readonly booked: bigint;
}

/** Over some blocks. Money in 1e-8 PEG. */
export interface Earnings {
  readonly blocks: number;
  readonly booked: bigint;
  readonly expected: bigint;
  readonly low: bigint;
  readonly high: bigint;
  /** By so many standard deviations more was booked than expected; null where nothing could differ. */
  readonly deviations: number | null;
}

export interface Period extends Earnings {
  readonly fromMs: number;
  /** From the first period to the end of this one. */
  readonly sum: Earnings;
}

interface Sum {
  readonly blocks: number;
  readonly booked: bigint;
  readonly expected: bigint;
  readonly variance: number;
}

const NOTHING: Sum = { blocks: 0, booked: 0n, expected: 0n, variance: 0 };

/** By periods of `periodMs` from 1970 on, oldest first, those without work left out; empty below `LEAST_BLOCKS` blocks. `blocks` by height. */
export function earningsByPeriod(blocks: readonly EarningBlock[], periodMs: number): Period[] {
  if (blocks.length < LEAST_BLOCKS) return [];
  const expected = expectedOf(blocks);
  const dispersion = dispersionOf(blocks, expected);
  const byPeriod = new Map<number, Sum>();
  blocks.forEach((block, i) => {
    const of = expected[i];
    if (block.userWork === 0n || of === undefined) return;
    const fromMs = Math.floor(block.atMs / periodMs) * periodMs;
    byPeriod.set(fromMs, add(byPeriod.get(fromMs) ?? NOTHING, earnedIn(block, of, dispersion)));
  });
  let sum = NOTHING;
  return [...byPeriod]
    .sort(([a], [b]) => a - b)
    .map(([fromMs, one]) => {
      sum = add(sum, one);
      return { fromMs, ...withBand(one), sum: withBand(sum) };
    });
}

/** In integers, but for the others' work, which is an estimate. */
function earnedIn(block: EarningBlock, of: Expected, dispersion: number): Sum {
  const { height, payouts, rate, carriedIn, userWork, poolWork, booked, hashes } = block;
  const whole = BigInt(Math.round(hashes + of.otherHashes));
  const reward = whole === 0n ? 0n : (payouts * BigInt(Math.round(hashes))) / whole;
  const expected = ((reward - feeOf(height, reward, rate) + carriedIn) * userWork) / poolWork;
  const place =
    (Number(payouts - feeOf(height, payouts, rate)) / block.paid) * (Number(userWork) / Number(poolWork));
  return { blocks: 1, booked, expected, variance: dispersion * of.variance * place * place };
}

function add(a: Sum, b: Sum): Sum {
  return {
    blocks: a.blocks + b.blocks,
    booked: a.booked + b.booked,
    expected: a.expected + b.expected,
    variance: a.variance + b.variance,
  };
}

function withBand({ blocks, booked, expected, variance }: Sum): Earnings {
  const chance = { mean: Number(expected), variance };
  const band: Band = bandOf(chance);
  return {
    ...{ blocks, booked, expected },
    low: BigInt(Math.floor(band.low)),
    high: BigInt(Math.ceil(band.high)),
    deviations: deviationsOf(Number(booked), chance) ?? null,
  };
}

/** What a day brings to some hash rate beside everybody else's. */
export interface DayOfMining {
  /** Hashes per second of everybody but the user. */
  readonly otherRate: number;
  /** Paid by a day's blocks to all winners, less the pool's fee, 1e-8 PEG. */
  readonly payouts: bigint;
}

/** 1e-8 PEG a day on average at `rate` hashes per second: part of all, this rate included. */
export function dayAt(rate: number, { otherRate, payouts }: DayOfMining): bigint {
  const whole = BigInt(Math.round(rate + otherRate));
  return whole === 0n ? 0n : (payouts * BigInt(Math.round(rate))) / whole;
}
