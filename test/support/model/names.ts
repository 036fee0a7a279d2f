/** The functions of 0056_worker_names.sql over the model's rows: which names have rows of their own. */

import * as v from "valibot";
import type { WorkerLimits } from "../../../shared/db/workers.ts";
import { type DeltaRow, REST_WORKER } from "../../../shared/messages/summary.ts";
import type { ModelTransaction } from "./server.ts";
import type { Tables, WorkerRecord } from "./tables.ts";

const NAMES = "advisory:7202056";
/** In a simulation: less than a user has rigs, so that names are booked with the rest. */
export const SIM_LIMITS: WorkerLimits = { inJob: 2, newInDay: 1 };
const DAY_MS = 24 * 3_600_000;
const MOST_WAITING = 64;
const RANKS = { own: 0, new: 1, waiting: 2 } as const;

/** A delta's rows as they are booked. */
export function bookedRows(
  rows: readonly DeltaRow[],
  folded: readonly number[],
  dropped: readonly number[],
): DeltaRow[] {
  return rows
    .map((row, place) => (folded.includes(place) ? { ...row, worker: REST_WORKER } : row))
    .filter((_, place) => !dropped.includes(place));
}

/** Places of refused shares alone whose worker has no sums in the job. */
export function droppedRows(tables: Tables, into: number, rows: readonly DeltaRow[]): number[] {
  const sums = tables.work.get(into);
  return rows.flatMap((row, place) => (row.shares === 0 && sums?.has(keyOf(row)) !== true ? [place] : []));
}

interface Missing {
  readonly user: string;
  readonly worker: string;
  readonly places: number[];
}

export async function foldNames(
  tx: ModelTransaction,
  into: number,
  all: readonly DeltaRow[],
  limits: WorkerLimits,
): Promise<number[]> {
  const { tables } = tx;
  if (missingRows(tables, into, all).length === 0) return [];
  await tx.lock(NAMES, "exclusive");
  const rank = (row: Missing): number => RANKS[tables.workers.get(keyOf(row))?.state ?? "waiting"];
  const rows = missingRows(tables, into, all).sort((a, b) => {
    if (a.user !== b.user) return a.user < b.user ? -1 : 1;
    return rank(a) - rank(b) || (a.worker < b.worker ? -1 : 1);
  });
  const kept = Math.max(Math.floor(limits.inJob / 4), 1);
  const folded: number[] = [];
  for (const user of new Set(rows.map((row) => row.user))) {
    const named = tables.sums(into).filter((row) => row.user === user && row.worker !== REST_WORKER);
    let room = limits.inJob - named.length;
    const sinceMs = tx.nowMs() - DAY_MS;
    let left =
      Math.min(limits.newInDay, kept) -
      stateOf(tables, user, "new").filter((row) => row.sinceMs > sinceMs).length;
    for (const row of rows.filter((one) => one.user === user)) {
      const isKnown = rank(row) < RANKS.waiting;
      if (room > 0 && (isKnown || left > 0)) {
        room -= 1;
        if (isKnown) continue;
        left -= 1;
        remember(tx, row, "new", kept);
      } else {
        folded.push(...row.places);
        if (!isKnown) remember(tx, row, "waiting", MOST_WAITING);
      }
    }
  }
  return folded.sort((a, b) => a - b);
}

/** Rows with accepted shares whose names the job has no sums for. */
function missingRows(tables: Tables, into: number, rows: readonly DeltaRow[]): Missing[] {
  const missing = new Map<string, Missing>();
  for (const [place, { user, worker, shares }] of rows.entries()) {
    const key = keyOf({ user, worker });
    if (shares === 0 || worker === REST_WORKER || tables.work.get(into)?.has(key) === true) continue;
    const known = missing.get(key);
    if (known === undefined) missing.set(key, { user, worker, places: [place] });
    else known.places.push(place);
  }
  return [...missing.values()];
}

/** Names are written at once: who counts them holds the lock until its commit, and a name too many does no harm. */
function remember(
  tx: ModelTransaction,
  { user, worker }: Missing,
  state: "new" | "waiting",
  most: number,
): void {
  const { workers } = tx.tables;
  workers.set(keyOf({ user, worker }), { user, worker, state, sinceMs: tx.nowMs() });
  for (const old of stateOf(tx.tables, user, state).slice(most)) workers.delete(keyOf(old));
}

/** The last heard of first. */
function stateOf(tables: Tables, user: string, state: WorkerRecord["state"]): WorkerRecord[] {
  return [...tables.workers.values()]
    .filter((row) => row.user === user && row.state === state)
    .sort((a, b) => b.sinceMs - a.sinceMs || (a.worker < b.worker ? -1 : 1));
}

export async function confirm(
  tx: ModelTransaction,
  user: string,
  names: string,
  most: number,
): Promise<boolean> {
  await tx.lock(NAMES, "exclusive");
  const { workers } = tx.tables;
  const own = new Set(stateOf(tx.tables, user, "own").map(({ worker }) => worker));
  const wanted = v.parse(v.array(v.string()), JSON.parse(names));
  if (new Set([...own, ...wanted]).size > 4 * most) return false;
  for (const worker of wanted)
    if (!own.has(worker))
      workers.set(keyOf({ user, worker }), { user, worker, state: "own", sinceMs: tx.nowMs() });
  return true;
}

function keyOf({ user, worker }: { user: string; worker: string }): string {
  return `${user},${worker}`;
}
