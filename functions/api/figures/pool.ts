/** The pool's public figures, gathered once for all who look and kept for a moment. */

import type { Clock } from "../../../shared/clock.ts";
import type { Db } from "../../../shared/db/port.ts";
import {
  type Activity,
  type BlockWithJob,
  type CurrentJob,
  currentJob,
  poolActivity,
  poolMinutes,
  recentBlocks,
} from "../../../shared/db/stats.ts";
import { expectedOf } from "../../../shared/earnings/network-part.ts";
import { cached } from "../http/cache.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type {
  BlockView,
  HashrateView,
  HistoryView,
  LuckView,
  PoolView,
  QuoteListView,
} from "../views/views.ts";
import { connectView, type Visit } from "./connect.ts";
import { blockHashrate, inNetwork, luckOf, networkRate, observed, spanSeconds } from "./estimates.ts";
import { priceViews, quoteList } from "./prices.ts";

export const MINUTE_MS = 60_000;
/** Windows of hash rates: long enough for a slow worker's shares, short enough to see one stop. */
export const SHORT_WINDOW_MS = 10 * MINUTE_MS;
export const LONG_WINDOW_MS = 60 * MINUTE_MS;
/** How long a share may take from its acknowledgement to its row. */
export const ON_THE_WAY_MS = 10_000;
/** The edge's own rule (edge/chain/stall.ts). */
const STALLED_AFTER_BLOCKS = 3;
const ONLINE_MS = 5 * MINUTE_MS;
/** A day of ten-minute blocks. */
const HISTORY_BLOCKS = 144;
const FIRST_PAGE_BLOCKS = 12;
const FIRST_PAGE_TTL_MS = 1000;
const HISTORY_TTL_MS = 5000;
/** Who is there is counted over a row for every worker, so it is asked less often; what an hour shows changes slowly. */
const ACTIVITY_TTL_MS = 3000;
const LAST_HOUR_TTL_MS = 15_000;

export interface PoolFigures {
  /** Without a visit there is no host to connect to but the configured one. */
  first(visit?: Visit): Promise<PoolView>;
  history(): Promise<HistoryView>;
  hashrate(): Promise<HashrateView>;
  quotes(): Promise<QuoteListView | undefined>;
}

/** The last whole minute at or before `nowMs − windowMs`: sums are kept by minute. */
export function windowStart(nowMs: number, windowMs: number): number {
  return Math.floor((nowMs - windowMs) / MINUTE_MS) * MINUTE_MS;
}

export function createPoolFigures(options: ApiOptions, modules: ApiModules): PoolFigures {
  const { db, clock } = modules;
  const blocks = cached(clock, HISTORY_TTL_MS, () => recentBlocks(db, HISTORY_BLOCKS));
  const job = cached(clock, FIRST_PAGE_TTL_MS, () => currentJob(db));
  const activity = cached(clock, ACTIVITY_TTL_MS, () => measure(db, clock));
  const hashrate = cached(clock, LAST_HOUR_TTL_MS, () => lastHour(db, clock));
  const first = cached(clock, FIRST_PAGE_TTL_MS, () =>
    gather(options, modules, { blocks, job, activity, hashrate }),
  );
  return {
    async first(visit) {
      return { ...(await first()), connect: connectView(options, visit, modules.assets.miner.name) };
    },
    async history() {
      const newestFirst = await blocks();
      return { blocks: newestFirst.map((block) => blockViewOf(block, options.blockSeconds)).reverse() };
    },
    hashrate,
    async quotes() {
      const current = await job();
      return current === undefined ? undefined : quoteList(current);
    },
  };
}

type Sources = {
  blocks: () => Promise<BlockWithJob[]>;
  job: () => ReturnType<typeof currentJob>;
  activity: () => Promise<Measured>;
  hashrate: () => Promise<HashrateView>;
};

/** What the pool did in the last minutes, and over how many seconds it was measured. */
interface Measured extends Activity {
  readonly seconds: number;
}

async function measure(db: Db, clock: Clock): Promise<Measured> {
  const nowMs = clock.wallMs();
  const sinceMs = windowStart(nowMs, SHORT_WINDOW_MS);
  const activity = await poolActivity(db, { sinceMs, onlineMs: nowMs - ONLINE_MS, nowMs });
  return { ...activity, seconds: spanSeconds(nowMs, sinceMs, activity.firstMs) };
}

async function gather(
  options: ApiOptions,
  modules: ApiModules,
  sources: Sources,
): Promise<Omit<PoolView, "connect">> {
  const { db, clock, live } = modules;
  const nowMs = clock.wallMs();
  const [activity, job, history, hour, newest] = await Promise.all([
    sources.activity(),
    sources.job(),
    sources.blocks(),
    sources.hashrate(),
    recentBlocks(db, FIRST_PAGE_BLOCKS),
  ]);
  return {
    name: options.poolName,
    version: options.version,
    at: iso(nowMs),
    poolHashrate: Number(activity.work) / activity.seconds,
    hashrateSeconds: activity.seconds,
    lastMinute: hour.points.at(-1) ?? null,
    networkHashrate: networkHashrate(newest, Number(activity.work) / activity.seconds, options.blockSeconds),
    miners: activity.miners,
    workers: activity.workers,
    connections: live?.connections() ?? null,
    height: live?.height() ?? newest[0]?.height ?? null,
    minute: live?.minute() ?? null,
    stalledSeconds: stalledSeconds(options, live, job, newest[0]),
    minuteCount: 10,
    blockSeconds: options.blockSeconds,
    feeRate: job?.feeRate ?? null,
    registration: options.registration,
    job:
      job === undefined
        ? null
        : {
            height: job.height,
            version: job.version,
            oprHash: job.oprHash,
            since: iso(job.createdAtMs),
            pricesAt: isoOrNull(job.pricesAtMs),
            prices: priceViews(job),
          },
    luck: luckView(history, options.blockSeconds),
    blocks: newest.map((block) => blockViewOf(block, options.blockSeconds)),
  };
}

/** By the newest blocks together, never less than the pool's own. */
function networkHashrate(
  blocks: readonly BlockWithJob[],
  poolHashrate: number,
  blockSeconds: number,
): number | null {
  const seen = blocks.flatMap((block) => observed({ ...block, won: block.winning }, blockSeconds) ?? []);
  const [newest] = seen;
  const [expected] = expectedOf(seen);
  if (newest === undefined || expected === undefined) return null;
  return Math.max(networkRate(newest.hashes + expected.otherHashes, blockSeconds), poolHashrate);
}

/** Without an edge in this process it is the newest job's age, by the database's clock: a job is made when the block below it is booked. */
function stalledSeconds(
  { blockSeconds }: ApiOptions,
  live: ApiModules["live"],
  job: CurrentJob | undefined,
  newest: BlockWithJob | undefined,
): number | null {
  if (live !== undefined) {
    const stalledMs = live.stalledMs();
    return stalledMs === undefined ? null : Math.round(stalledMs / 1000);
  }
  // When blocks are booked but no job follows them, no block is missing.
  if (job === undefined || (newest?.height ?? 0) >= job.height) return null;
  return job.ageSeconds < STALLED_AFTER_BLOCKS * blockSeconds ? null : Math.round(job.ageSeconds);
}

function luckView(blocks: readonly BlockWithJob[], blockSeconds: number): LuckView {
  const luck = luckOf(blocks, blockSeconds);
  return { ...luck, expectedReward: luck.expectedReward.toString(), reward: luck.reward.toString() };
}

/** One point a minute. A minute whose last shares may still be on their way is left out: it would look like a drop. */
async function lastHour(db: Db, clock: Clock): Promise<HashrateView> {
  const endMs = windowStart(clock.wallMs(), ON_THE_WAY_MS);
  const startMs = endMs - LONG_WINDOW_MS;
  const work = new Map((await poolMinutes(db, startMs)).map((row) => [row.minuteMs, row.work]));
  const firstMs = Math.min(...work.keys());
  const points: HashrateView["points"] = [];
  for (let at = startMs; at < endMs; at += MINUTE_MS) {
    // No point before the first share's minute, and none for that minute: the pool ran for a part of it only, so the rate would be too low.
    const isBegun = at > firstMs || firstMs === startMs;
    points.push([at / 1000, isBegun ? Number(work.get(at) ?? 0n) / 60 : null]);
  }
  return { stepSeconds: 60, points };
}

export function blockViewOf(block: BlockWithJob, blockSeconds: number): BlockView {
  return {
    height: block.height,
    at: iso(block.atMs),
    endedAt: isoOrNull(block.nextJobAtMs),
    version: block.version,
    entries: block.entries,
    graded: block.graded,
    winning: block.winning,
    places: block.places,
    reward: block.reward.toString(),
    ...inNetwork(block, blockSeconds),
    poolHashrate: blockHashrate(block),
    state: block.state,
    shares: text(block.shares),
    work: text(block.work),
    fee: text(block.fee),
    paid: text(block.paid),
    carriedIn: text(block.carriedIn),
    carried: text(block.carried),
    root: block.root,
    forced: block.forced,
  };
}

const text = (value: bigint | null): string | null => value?.toString() ?? null;

export function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

export function isoOrNull(unixMs: number | null): string | null {
  return unixMs === null ? null : iso(unixMs);
}
