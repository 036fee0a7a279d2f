/** One user's own figures: what is owed, what may come, and how each worker does. */

import type { Db } from "../../../shared/db/port.ts";
import { currentJob } from "../../../shared/db/stats.ts";
import {
  adjustmentsOf,
  balanceOf,
  type PendingJob,
  paymentsOf,
  pendingJobs,
  recentMeanReward,
  type UserBlock,
  userBlocks,
  type WorkerSummary,
  workersOf,
} from "../../../shared/db/user-stats.ts";
import { waitingWorkers } from "../../../shared/db/workers.ts";
import { hashesOfWork } from "../../../shared/difficulty/work.ts";
import { cachedBy } from "../http/cache.ts";
import type { ApiModules } from "../options.ts";
import type { MeView, MyBlocksView, MyPaymentsView } from "../views/views.ts";
import { partOf, pendingEstimate, rejectRate, spanSeconds } from "./estimates.ts";
import {
  iso,
  isoOrNull,
  LONG_WINDOW_MS,
  MINUTE_MS,
  ON_THE_WAY_MS,
  SHORT_WINDOW_MS,
  windowStart,
} from "./pool.ts";

/** A worker without a share in this many blocks is not listed any more. */
const WORKER_BLOCKS = 300;
const WORKERS = 200;
const PENDING_JOBS = 20;
const ONLINE_MS = 5 * MINUTE_MS;
const TTL_MS = 1000;
const CACHED_USERS = 1000;
const PAYMENTS = 200;

export interface UserFigures {
  me(user: string): Promise<MeView>;
  blocks(user: string, limit: number, before?: number): Promise<MyBlocksView>;
  payments(user: string): Promise<MyPaymentsView>;
}

export function createUserFigures(modules: ApiModules): UserFigures {
  const { db, clock } = modules;
  return {
    me: cachedBy(clock, TTL_MS, CACHED_USERS, (user) => gather(db, clock.wallMs(), user)),
    async blocks(user, limit, before) {
      const rows = await userBlocks(db, user, limit, before);
      return {
        blocks: rows.map(blockOf),
        next: rows.length < limit ? null : (rows.at(-1)?.height ?? null),
      };
    },
    async payments(user) {
      const [payments, adjustments] = await Promise.all([
        paymentsOf(db, user, PAYMENTS),
        adjustmentsOf(db, user, PAYMENTS),
      ]);
      return {
        payments: payments.map(({ atMs, amount, address, entryHash }) => ({
          at: iso(atMs),
          amount: amount.toString(),
          address,
          entryHash,
        })),
        adjustments: adjustments.map(({ atMs, amount, reason }) => ({
          at: iso(atMs),
          amount: amount.toString(),
          reason,
        })),
      };
    },
  };
}

async function gather(db: Db, nowMs: number, user: string): Promise<MeView> {
  const longMs = windowStart(nowMs, LONG_WINDOW_MS);
  const shortMs = windowStart(nowMs, SHORT_WINDOW_MS);
  const job = await currentJob(db);
  const sinceJob = (job?.height ?? 0) - WORKER_BLOCKS;
  const [balance, workers, waiting, pending, usualReward] = await Promise.all([
    balanceOf(db, user),
    workersOf(db, user, { sinceJob, longMs, shortMs, nowMs, limit: WORKERS }),
    waitingWorkers(db, user),
    pendingJobs(db, user, PENDING_JOBS),
    recentMeanReward(db),
  ]);
  const window = { nowMs, longMs, shortMs };
  // Strangers can send bad shares under made-up worker names. Those say nothing about the owner's rigs.
  const own = workers.some(({ kind }) => kind === "own")
    ? workers.filter(({ kind }) => kind === "own")
    : workers.filter(({ kind }) => kind !== "rest");
  const views = workers.map((worker) => workerOf(worker, window));
  const pendingBlocks = pending.map((row) => pendingOf(row, usualReward));
  return {
    name: user,
    payoutAddress: balance?.payoutAddress ?? null,
    owed: String(balance?.owed ?? 0n),
    booked: String(balance?.booked ?? 0n),
    adjusted: String(balance?.adjusted ?? 0n),
    paidOut: String(balance?.paidOut ?? 0n),
    pending: pendingBlocks.reduce((sum, block) => sum + BigInt(block.estimate), 0n).toString(),
    pendingBlocks,
    hashrateShort: views.reduce((sum, worker) => sum + worker.hashrateShort, 0),
    hashrateLong: views.reduce((sum, worker) => sum + worker.hashrateLong, 0),
    shortSeconds: SHORT_WINDOW_MS / 1000,
    longSeconds: LONG_WINDOW_MS / 1000,
    rejectRate: rejectRate(
      own.reduce((sum, worker) => sum + worker.shares, 0n),
      own.reduce((sum, worker) => sum + worker.rejected, 0n),
    ),
    workers: views,
    waiting: waiting.map(({ worker, lastMs }) => ({ name: worker, lastHeard: iso(lastMs) })),
  };
}

interface Window {
  readonly nowMs: number;
  readonly longMs: number;
  readonly shortMs: number;
}

function workerOf(worker: WorkerSummary, window: Window): MeView["workers"][number] {
  const { nowMs, longMs, shortMs } = window;
  return {
    name: worker.worker,
    kind: worker.kind,
    online: worker.lastMs !== null && nowMs - worker.lastMs <= ONLINE_MS,
    hashrateShort: Number(worker.shortWork) / spanSeconds(nowMs, shortMs, worker.firstMs),
    hashrateLong: Number(worker.longWork) / spanSeconds(nowMs, longMs, worker.firstMs),
    shares: worker.shares.toString(),
    rejected: worker.rejected.toString(),
    rejectRate: rejectRate(worker.shares, worker.rejected),
    lastShare: isoOrNull(worker.lastMs),
    lastBlock: worker.lastJob,
    minutes: minutesOf(worker, window),
  };
}

/** Hashes per second of each minute of the long window whose shares are all in. */
function minutesOf(worker: WorkerSummary, { longMs, nowMs }: Window): number[] {
  const work = new Map(worker.minutes);
  const start = longMs / MINUTE_MS;
  const length = Math.floor((nowMs - ON_THE_WAY_MS) / MINUTE_MS) - start;
  return Array.from({ length }, (_, i) => Math.round(Number(work.get(start + i) ?? 0n) / 60));
}

function pendingOf(row: PendingJob, usualReward: bigint): MeView["pendingBlocks"][number] {
  return {
    height: row.height,
    shares: row.shares.toString(),
    part: partOf(row.work, row.poolWork),
    estimate: pendingEstimate(row, usualReward).toString(),
    rewardKnown: row.reward !== null,
  };
}

function blockOf(row: UserBlock): MyBlocksView["blocks"][number] {
  const seconds = row.nextJobAtMs === null ? 0 : (row.nextJobAtMs - row.jobAtMs) / 1000;
  const hashes = hashesOfWork(row.credit, row.work);
  return {
    height: row.height,
    at: iso(row.jobAtMs),
    state: row.state,
    shares: row.shares.toString(),
    rejected: row.rejected.toString(),
    work: hashes.toString(),
    hashrate: seconds > 0 ? Number(hashes) / seconds : null,
    part: row.poolWork === null ? null : partOf(row.work, row.poolWork),
    amount: row.amount?.toString() ?? null,
  };
}
