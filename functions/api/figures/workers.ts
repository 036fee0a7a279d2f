/** A user's workers as the pages show them. */

import type { Db } from "../../../shared/db/port.ts";
import { type WorkerChange, workerChanges } from "../../../shared/db/worker-states.ts";
import {
  countWorkers,
  type WorkerPage,
  type WorkerSummary,
  type WorkerWindows,
  workerOf,
  workersOf,
  workerWork,
} from "../../../shared/db/worker-status.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import type { MyWorkersView, WorkerDetailView, WorkerHistoryView, WorkerView } from "../views/worker.ts";
import { rejectRate, spanSeconds } from "./estimates.ts";
import { iso, LONG_WINDOW_MS, MINUTE_MS, ON_THE_WAY_MS, SHORT_WINDOW_MS, windowStart } from "./pool.ts";
import { type HistorySpan, SPANS, uptimeOf } from "./uptime.ts";

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function windowsAt(nowMs: number): WorkerWindows {
  return {
    nowMs,
    longMs: windowStart(nowMs, LONG_WINDOW_MS),
    shortMs: windowStart(nowMs, SHORT_WINDOW_MS),
    dayMs: Math.floor((nowMs - DAY_MS) / HOUR_MS) * HOUR_MS,
  };
}

export async function workersPage(
  db: Db,
  nowMs: number,
  user: string,
  page: WorkerPage,
): Promise<MyWorkersView> {
  const windows = windowsAt(nowMs);
  const [workers, total] = await Promise.all([
    workersOf(db, user, page, windows),
    countWorkers(db, user, page),
  ]);
  return { workers: workers.map((worker) => workerView(worker, windows)), total, from: page.from };
}

const CHANGES = 200;

/** Undefined where the user has no such worker. */
export async function workerDetail(
  db: Db,
  nowMs: number,
  user: string,
  name: string,
): Promise<WorkerDetailView | undefined> {
  const windows = windowsAt(nowMs);
  const [worker, changes] = await Promise.all([
    workerOf(db, user, name, windows),
    workerChanges(db, user, name, CHANGES),
  ]);
  if (worker === undefined) return undefined;
  const up = (span: HistorySpan): number =>
    uptimeOf(worker, changes, nowMs - SPANS[span].seconds * 1000, nowMs);
  return {
    worker: workerView(worker, windows),
    knownSince: iso(worker.knownMs),
    uptime: { day: up("day"), week: up("week"), month: up("month") },
    changes: changes.map(changeView),
  };
}

const changeView = ({ atMs, state, sinceMs }: WorkerChange): WorkerDetailView["changes"][number] => ({
  at: iso(atMs),
  state,
  since: iso(sinceMs),
});

/** Rates of whole steps, null before the worker was known. */
export async function workerHistory(
  db: Db,
  nowMs: number,
  worker: { readonly user: string; readonly name: string },
  span: HistorySpan,
): Promise<WorkerHistoryView> {
  const { seconds, stepSeconds } = SPANS[span];
  const step = stepSeconds * 1000;
  const endMs = Math.floor((nowMs - ON_THE_WAY_MS) / step) * step;
  const startMs = endMs - seconds * 1000;
  const rows = await workerWork(db, worker, { sinceMs: startMs, stepSeconds });
  const work = new Map(rows.map((row) => [row.atMs, row.work]));
  const firstMs = rows[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const points: WorkerHistoryView["points"] = [];
  for (let at = startMs; at < endMs; at += step)
    points.push([at / 1000, at < firstMs ? null : Number(work.get(at) ?? 0n) / stepSeconds]);
  return { stepSeconds, points };
}

export function workerView(worker: WorkerSummary, windows: WorkerWindows): WorkerView {
  const { nowMs, longMs, shortMs, dayMs } = windows;
  return {
    name: worker.worker,
    kind: worker.kind,
    hidden: worker.hidden,
    state: worker.state,
    stateSince: iso(worker.sinceMs),
    online: worker.state !== "offline",
    upSince: worker.state === "offline" ? null : iso(worker.upSinceMs),
    hashrateShort: Number(worker.shortWork) / spanSeconds(nowMs, shortMs, worker.firstMs),
    hashrateLong: Number(worker.longWork) / spanSeconds(nowMs, longMs, worker.firstMs),
    hashrateDay: Number(worker.dayWork) / spanSeconds(nowMs, dayMs, dayStart(worker)),
    shares: worker.shares.toString(),
    rejected: worker.rejected.toString(),
    rejectRate: rejectRate(worker.shares, worker.rejected),
    hashesPerShare: worker.shares === 0n ? null : Number(worker.longWork / worker.shares),
    usualRate: worker.usualRate,
    best: worker.best === 0n ? null : { hashes: assignedWork(worker.best).toString(), block: worker.bestJob },
    lastShare: iso(worker.lastMs),
    lastBlock: worker.lastJob,
    minutes: minutesOf(worker, windows),
  };
}

/** Hours are kept; the minute of its first share is known where that lies in the long window. */
function dayStart({ dayFirstMs, firstMs }: WorkerSummary): number | null {
  if (dayFirstMs === null || firstMs === null) return dayFirstMs;
  return firstMs < dayFirstMs + HOUR_MS ? firstMs : dayFirstMs;
}

/** Hashes per second of each minute of the long window whose shares are all in. */
function minutesOf(worker: WorkerSummary, { longMs, nowMs }: WorkerWindows): number[] {
  const work = new Map(worker.minutes);
  const start = longMs / MINUTE_MS;
  const length = Math.floor((nowMs - ON_THE_WAY_MS) / MINUTE_MS) - start;
  return Array.from({ length }, (_, i) => Math.round(Number(work.get(start + i) ?? 0n) / 60));
}
