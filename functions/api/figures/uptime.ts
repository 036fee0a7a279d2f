/** For how much of a time a worker was not offline, from the changes of its state. */

import type { WorkerChange, WorkerState } from "../../../shared/db/worker-states.ts";

const DAY_SECONDS = 86_400;

/** What a worker's charts show: the whole and one point. */
export const SPANS = {
  day: { seconds: DAY_SECONDS, stepSeconds: 600 },
  week: { seconds: 7 * DAY_SECONDS, stepSeconds: 3600 },
  month: { seconds: 30 * DAY_SECONDS, stepSeconds: 4 * 3600 },
} as const;
export type HistorySpan = keyof typeof SPANS;

interface Known {
  readonly state: WorkerState;
  readonly sinceMs: number;
  readonly knownMs: number;
}

/** 0 to 1, from `fromMs` or when the worker was first heard of to `nowMs`. `changes` newest first. */
export function uptimeOf(
  worker: Known,
  changes: readonly WorkerChange[],
  fromMs: number,
  nowMs: number,
): number {
  const beginMs = Math.max(fromMs, worker.knownMs);
  let offlineMs = worker.state === "offline" ? overlap(worker.sinceMs, nowMs, beginMs, nowMs) : 0;
  for (const [i, change] of changes.entries()) {
    const next = changes[i - 1];
    if (change.state === "offline" && next !== undefined)
      offlineMs += overlap(change.sinceMs, next.atMs, beginMs, nowMs);
  }
  return nowMs <= beginMs ? 1 : Math.max(0, 1 - offlineMs / (nowMs - beginMs));
}

const overlap = (fromMs: number, toMs: number, beginMs: number, endMs: number): number =>
  Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, beginMs));
