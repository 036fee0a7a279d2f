/** A user's workers as the pages show them. */

import type { Db } from "../../../shared/db/port.ts";
import {
  countWorkers,
  type WorkerPage,
  type WorkerSummary,
  type WorkerWindows,
  workersOf,
} from "../../../shared/db/worker-status.ts";
import type { MyWorkersView, WorkerView } from "../views/views.ts";
import { rejectRate, spanSeconds } from "./estimates.ts";
import { iso, LONG_WINDOW_MS, MINUTE_MS, ON_THE_WAY_MS, SHORT_WINDOW_MS, windowStart } from "./pool.ts";

const ONLINE_MS = 5 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function windowsAt(nowMs: number): WorkerWindows {
  return {
    nowMs,
    longMs: windowStart(nowMs, LONG_WINDOW_MS),
    shortMs: windowStart(nowMs, SHORT_WINDOW_MS),
    dayMs: Math.floor((nowMs - DAY_MS) / HOUR_MS) * HOUR_MS,
    onlineMs: nowMs - ONLINE_MS,
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

export function workerView(worker: WorkerSummary, windows: WorkerWindows): WorkerView {
  const { nowMs, longMs, shortMs, dayMs, onlineMs } = windows;
  return {
    name: worker.worker,
    kind: worker.kind,
    hidden: worker.hidden,
    online: worker.lastMs >= onlineMs,
    hashrateShort: Number(worker.shortWork) / spanSeconds(nowMs, shortMs, worker.firstMs),
    hashrateLong: Number(worker.longWork) / spanSeconds(nowMs, longMs, worker.firstMs),
    hashrateDay: Number(worker.dayWork) / spanSeconds(nowMs, dayMs, dayStart(worker)),
    shares: worker.shares.toString(),
    rejected: worker.rejected.toString(),
    rejectRate: rejectRate(worker.shares, worker.rejected),
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
