/** What a user's work should have earned beside what was booked, what a hash rate earns, and when the next payout comes. */

import { feeOf, storedRate } from "../../../shared/accounting/fee.ts";
import { type BookedWork, bookedWork, type MinedBlock, minedBlocks } from "../../../shared/db/earnings.ts";
import { listBatches, preparedBatch } from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { balanceOf } from "../../../shared/db/user-stats.ts";
import { type EarningBlock, type Earnings, earningsByPeriod } from "../../../shared/earnings/earnings.ts";
import { expectedOf } from "../../../shared/earnings/network-part.ts";
import { rulesOf } from "../../../shared/grading/versions.ts";
import { cached, cachedBy } from "../http/cache.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { EarningsTruthView } from "../views/earnings.ts";
import { networkRate, observed } from "./estimates.ts";
import { iso, isoOrNull } from "./pool.ts";

/** Thirty days of ten-minute blocks. */
const MOST_BLOCKS = 4320;
/** A rate's earnings are told by a day of ten-minute blocks. */
const RECENT_BLOCKS = 144;
const TTL_MS = 15_000;
const CACHED_USERS = 200;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Where blocks are shorter, as on a devnet, a day of them would be too many to look at. */
const SHORTEST_BLOCK_OF_DAYS = 300;

const paidBy = (version: MinedBlock["version"]): bigint =>
  rulesOf(version).payouts.reduce((sum, one) => sum + one, 0n);
/** By a block of each version to all its winners, 1e-8 PEG. */
const PAID = { 1: paidBy(1), 2: paidBy(2), 3: paidBy(3), 4: paidBy(4), 5: paidBy(5) };

/** The view for a user. Asked of the database at most every 15 s for each, and for all blocks once for everybody. */
export function createEarnings(
  options: ApiOptions,
  { db, clock }: ApiModules,
): (user: string) => Promise<EarningsTruthView> {
  const mined = cached(clock, TTL_MS, () => minedBlocks(db, MOST_BLOCKS));
  return cachedBy(clock, TTL_MS, CACHED_USERS, async (user) => gather(options, db, mined(), user));
}

async function gather(
  options: ApiOptions,
  db: Db,
  all: Promise<readonly MinedBlock[]>,
  user: string,
): Promise<EarningsTruthView> {
  const { blockSeconds } = options;
  const [everybody, booked, payout] = await Promise.all([
    all,
    bookedWork(db, user, MOST_BLOCKS),
    nextPayout(options, db, user),
  ]);
  // Where a sealed block was not graded, as many bookings reach less far back.
  const oldest = booked.length < MOST_BLOCKS ? 0 : (booked.at(-1)?.height ?? 0);
  const mined = everybody.filter(({ height }) => height >= oldest);
  const byHeight = new Map(booked.map((one) => [one.height, one]));
  const blocks = mined.flatMap(
    (block) => earningBlock(block, byHeight.get(block.height), blockSeconds) ?? [],
  );
  const isDaily = blockSeconds >= SHORTEST_BLOCK_OF_DAYS;
  const periods = earningsByPeriod(blocks, isDaily ? DAY_MS : HOUR_MS);
  const whole = periods.at(-1)?.sum;
  return {
    period: isDaily ? "day" : "hour",
    periods: periods.map(({ fromMs, sum, ...one }) => ({
      from: iso(fromMs),
      ...earningsView(one),
      sum: earningsView(sum),
    })),
    whole: whole === undefined ? null : earningsView(whole),
    rate: dayOfMining(blocks, blockSeconds),
    payout,
  };
}

function earningBlock(
  block: MinedBlock,
  booked: BookedWork | undefined,
  blockSeconds: number,
): EarningBlock | undefined {
  const seen = observed(block, blockSeconds);
  if (seen === undefined) return undefined;
  return {
    ...seen,
    height: block.height,
    atMs: block.atMs,
    payouts: PAID[block.version],
    rate: storedRate(block.feeRate),
    carriedIn: block.carriedIn,
    userWork: booked?.work ?? 0n,
    poolWork: block.work,
    booked: booked?.amount ?? 0n,
  };
}

/** By the newest blocks; null before there are any. */
function dayOfMining(blocks: readonly EarningBlock[], blockSeconds: number): EarningsTruthView["rate"] {
  const recent = blocks.slice(-RECENT_BLOCKS);
  const [last] = recent.slice(-1);
  if (last === undefined) return null;
  const expected = expectedOf(recent);
  const mean = (of: (block: EarningBlock, i: number) => number): number =>
    recent.reduce((sum, block, i) => sum + of(block, i), 0) / recent.length;
  const mine = mean(({ hashes, userWork, poolWork }) =>
    userWork === 0n ? 0 : (hashes * Number(userWork)) / Number(poolWork),
  );
  const everybody = mean((block, i) => block.hashes + (expected[i]?.otherHashes ?? 0));
  const net = last.payouts - feeOf(last.height, last.payouts, last.rate);
  return {
    mine: networkRate(mine, blockSeconds),
    others: networkRate(Math.max(0, everybody - mine), blockSeconds),
    payouts: ((net * BigInt(DAY_MS)) / BigInt(Math.round(blockSeconds * 1000))).toString(),
  };
}

async function nextPayout(
  { payoutMinimum, payoutEveryMs = 0 }: ApiOptions,
  db: Db,
  user: string,
): Promise<EarningsTruthView["payout"]> {
  const [balance, waiting, [newest]] = await Promise.all([
    balanceOf(db, user),
    preparedBatch(db),
    listBatches(db, 1),
  ]);
  const newestMs = newest?.madeAtMs;
  const isTimed = waiting === undefined && payoutEveryMs > 0 && newestMs !== undefined;
  return {
    owed: String(balance?.owed ?? 0n),
    minimum: payoutMinimum?.toString() ?? null,
    hasAddress: (balance?.payoutAddress ?? null) !== null,
    lastAt: isoOrNull(newestMs ?? null),
    waitsSince: isoOrNull(waiting?.madeAtMs ?? null),
    nextAt: isTimed ? iso(newestMs + payoutEveryMs) : null,
  };
}

function earningsView(one: Earnings): NonNullable<EarningsTruthView["whole"]> {
  return {
    blocks: one.blocks,
    booked: one.booked.toString(),
    expected: one.expected.toString(),
    low: one.low.toString(),
    high: one.high.toString(),
    deviations: one.deviations,
  };
}
