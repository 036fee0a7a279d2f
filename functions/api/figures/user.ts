/** One user's own figures: what is owed, what may come, and how its workers do. */

import { paymentsOnTheWay } from "../../../shared/db/payday.ts";
import type { Db } from "../../../shared/db/port.ts";
import {
  adjustmentsOf,
  balanceOf,
  type PendingJob,
  paymentsOf,
  pendingJobs,
  recentMeanReward,
  type UserBlock,
  userBlocks,
} from "../../../shared/db/user-stats.ts";
import { userActivity, type WorkerPage, workerCounts, workersOf } from "../../../shared/db/worker-status.ts";
import { waitingWorkers } from "../../../shared/db/workers.ts";
import { hashesOfWork } from "../../../shared/difficulty/work.ts";
import { cachedBy } from "../http/cache.ts";
import type { ApiModules } from "../options.ts";
import type { MeView, MyBlocksView, MyPaymentsView } from "../views/views.ts";
import type { MyWorkersView, WorkerDetailView, WorkerHistoryView } from "../views/worker.ts";
import { partOf, pendingEstimate, rejectRate, spanSeconds } from "./estimates.ts";
import { iso, LONG_WINDOW_MS, SHORT_WINDOW_MS } from "./pool.ts";
import type { HistorySpan } from "./uptime.ts";
import { windowsAt, workerDetail, workerHistory, workersPage, workerView } from "./workers.ts";

/** On the first page of the list; it is told anew whenever one of them changes. */
const FIRST_WORKERS = { search: "", hidden: false, from: 0, limit: 50 };
const PENDING_JOBS = 20;
const TTL_MS = 1000;
const CACHED_USERS = 1000;
const PAYMENTS = 200;

export interface UserFigures {
  me(user: string): Promise<MeView>;
  /** The user has changed what it shows. */
  changed(user: string): void;
  workers(user: string, page: WorkerPage): Promise<MyWorkersView>;
  /** Undefined where the user has no such worker. */
  worker(user: string, name: string): Promise<WorkerDetailView | undefined>;
  workerHistory(user: string, name: string, span: HistorySpan): Promise<WorkerHistoryView>;
  blocks(user: string, limit: number, before?: number): Promise<MyBlocksView>;
  payments(user: string): Promise<MyPaymentsView>;
}

export function createUserFigures(modules: ApiModules): UserFigures {
  const { db, clock } = modules;
  const me = cachedBy(clock, TTL_MS, CACHED_USERS, (user) => gather(db, clock.wallMs(), user));
  return {
    me,
    changed: me.forget,
    workers: (user, page) => workersPage(db, clock.wallMs(), user, page),
    worker: (user, name) => workerDetail(db, clock.wallMs(), user, name),
    workerHistory: (user, name, span) => workerHistory(db, clock.wallMs(), { user, name }, span),
    async blocks(user, limit, before) {
      const rows = await userBlocks(db, user, limit, before);
      return {
        blocks: rows.map(blockOf),
        next: rows.length < limit ? null : (rows.at(-1)?.height ?? null),
      };
    },
    async payments(user) {
      const [payments, onTheWay, adjustments] = await Promise.all([
        paymentsOf(db, user, PAYMENTS),
        paymentsOnTheWay(db, user),
        adjustmentsOf(db, user, PAYMENTS),
      ]);
      return {
        onTheWay: onTheWay.map(({ atMs, amount, ...one }) => ({
          ...{ ...one, at: iso(atMs), amount: amount.toString() },
        })),
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
  const windows = windowsAt(nowMs);
  const [balance, activity, counts, workers, waiting, pending, usualReward] = await Promise.all([
    balanceOf(db, user),
    userActivity(db, user, windows),
    workerCounts(db, user),
    workersOf(db, user, FIRST_WORKERS, windows),
    waitingWorkers(db, user),
    pendingJobs(db, user, PENDING_JOBS),
    recentMeanReward(db),
  ]);
  const pendingBlocks = pending.map((row) => pendingOf(row, usualReward));
  // Strangers can send bad shares under made-up worker names. Those say nothing about the owner's workers.
  const hasOwn = activity.ownShares + activity.ownRejected > 0n;
  return {
    name: user,
    payoutAddress: balance?.payoutAddress ?? null,
    owed: String(balance?.owed ?? 0n),
    booked: String(balance?.booked ?? 0n),
    adjusted: String(balance?.adjusted ?? 0n),
    paidOut: String(balance?.paidOut ?? 0n),
    pending: pendingBlocks.reduce((sum, block) => sum + BigInt(block.estimate), 0n).toString(),
    pendingBlocks,
    hashrateShort: Number(activity.shortWork) / spanSeconds(nowMs, windows.shortMs, activity.firstMs),
    hashrateLong: Number(activity.longWork) / spanSeconds(nowMs, windows.longMs, activity.firstMs),
    shortSeconds: SHORT_WINDOW_MS / 1000,
    longSeconds: LONG_WINDOW_MS / 1000,
    rejectRate: hasOwn
      ? rejectRate(activity.ownShares, activity.ownRejected)
      : rejectRate(activity.shares, activity.rejected),
    workers: workers.map((worker) => workerView(worker, windows)),
    workerCounts: counts,
    waiting: waiting.map(({ worker, lastMs }) => ({ name: worker, lastHeard: iso(lastMs) })),
  };
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
