/** Applying deltas and close markers, as 0064_apply_batches.sql and 0002_books.sql do it: same locks, same order, same outcomes. */

import { createHash } from "node:crypto";
import * as v from "valibot";
import type { WorkerLimits } from "../../../shared/db/workers.ts";
import { CodedError } from "../../../shared/errors.ts";
import { type Delta, type DeltaRow, delta } from "../../../shared/messages/summary.ts";
import { byText } from "./books.ts";
import { bookedRows, droppedRows, foldNames } from "./names.ts";
import type { ModelTransaction } from "./server.ts";
import { bookId, type DeltaRecord, type JobRecord, type Tables } from "./tables.ts";

export async function applyDelta(tx: ModelTransaction, body: string, limits: WorkerLimits): Promise<unknown> {
  return (await applyDeltas(tx, [body], limits))[0];
}

/** Deltas of one job, in their order. */
export async function applyDeltas(
  tx: ModelTransaction,
  bodies: readonly string[],
  limits: WorkerLimits,
): Promise<unknown[]> {
  const messages = bodies.map((body) => v.parse(delta, JSON.parse(body)));
  const [message] = messages;
  const { tables } = tx;
  if (message === undefined) return [];
  if (!tables.jobs.has(message.job)) return bodies.map(() => ({ outcome: "unknown-job" }));
  await tx.lock(`job:${message.job}`, "share");
  const job = tables.jobs.get(message.job);
  if (job === undefined) return bodies.map(() => ({ outcome: "unknown-job" }));
  const into = job.state === "open" ? job.height : await lateJob(tx, job.height);
  const outcomes = new Map<number, unknown>();
  const fresh: DeltaRecord[] = [];
  for (const [at, one] of inDeltaOrder(messages)) {
    const stranger = strangerOf(tables, one);
    if (stranger !== undefined) {
      outcomes.set(at, { outcome: "unknown-user", user: stranger });
      continue;
    }
    const body = bodies[at] ?? "";
    const key = `${bookId(one)}/${one.seq}`;
    await tx.lock(`delta:${key}`, "exclusive");
    const known = tables.deltas.get(key) ?? fresh.find((other) => keyOf(other.delta) === key);
    outcomes.set(at, whatBecomes(known, body, into, tables.markers.get(bookId(one)), one.seq));
    if (known === undefined) fresh.push({ delta: one, body, into, folded: null, dropped: [] });
  }
  for (const record of fresh) tx.write(() => void tables.deltas.set(keyOf(record.delta), record));
  const rows = fresh.flatMap((record) => record.delta.rows);
  await tally(tx, message.job, rows);
  if (into !== null && fresh.length > 0) {
    const inBatchOrder = fresh.sort((a, b) => messages.indexOf(a.delta) - messages.indexOf(b.delta));
    await creditFresh(tx, into, message.job, inBatchOrder, limits);
  }
  return bodies.map((_, at) => outcomes.get(at));
}

function whatBecomes(
  known: DeltaRecord | undefined,
  body: string,
  into: number | null,
  marker: number | undefined,
  seq: number,
): unknown {
  if (known !== undefined) return { outcome: sha(known.body) === sha(body) ? "dup" : "conflict" };
  return { outcome: "applied", intoJob: into, beyondMarker: marker !== undefined && marker < seq };
}

function strangerOf(tables: Tables, { rows }: Delta): string | undefined {
  return rows
    .map(({ user }) => user)
    .sort(byText)
    .find((user) => !tables.users.has(user));
}

const keyOf = (message: Delta): string => `${bookId(message)}/${message.seq}`;

/** With their places, by their keys. Of two with one key the first comes first. */
function inDeltaOrder(messages: readonly Delta[]): [number, Delta][] {
  const order = (a: Delta, b: Delta): number => a.slot - b.slot || a.epoch - b.epoch || a.seq - b.seq;
  return [...messages.entries()].sort(([i, a], [j, b]) => order(a, b) || i - j);
}

/** The names of all are decided at once; then each gets its own record of it. */
async function creditFresh(
  tx: ModelTransaction,
  into: number,
  job: number,
  fresh: readonly DeltaRecord[],
  limits: WorkerLimits,
): Promise<void> {
  const rows = fresh.flatMap((record) => record.delta.rows);
  const folded = await foldNames(tx, into, rows, limits);
  const dropped = droppedRows(tx.tables, into, rows);
  let from = 0;
  for (const record of fresh) {
    const { length } = record.delta.rows;
    const mine = placesWithin(from, length);
    from += length;
    tx.write(() => void Object.assign(record, { folded: mine(folded), dropped: mine(dropped) }));
  }
  await credit(tx, into, job, bookedRows(rows, folded, dropped));
}

/** Of places in the rows of all: those of one delta, as they are in it. */
function placesWithin(from: number, length: number): (places: readonly number[]) => number[] {
  return (places) =>
    places.filter((place) => place >= from && place < from + length).map((place) => place - from);
}

/** The sums of books_apply_deltas in 0064_apply_batches.sql, for judging who withholds. */
async function tally(tx: ModelTransaction, job: number, rows: readonly DeltaRow[]): Promise<void> {
  const { tallies } = tx.tables;
  for (const user of [...new Set(rows.map((row) => row.user))].sort(byText)) {
    const mine = rows.filter((row) => row.user === user && (row.judged ?? "0") !== "0");
    if (mine.length === 0) continue;
    await tx.lock(`tally:${job}/${user}`, "exclusive");
    tx.write(() => {
      const known = tallies.get(`${job} ${user}`) ?? { judged: 0n, sent: 0n };
      tallies.set(`${job} ${user}`, {
        judged: mine.reduce((sum, { judged }) => sum + BigInt(judged ?? 0), known.judged),
        sent: mine.reduce((sum, { sent }) => sum + BigInt(sent ?? 0), known.sent),
      });
    });
  }
}

/** The oldest open job above, share-locked; one that closes while it is waited for is passed over. */
async function lateJob(tx: ModelTransaction, above: number): Promise<number | null> {
  const candidate = oldestOpen(tx.tables, above);
  if (candidate === undefined) return null;
  await tx.lock(`job:${candidate.height}`, "share");
  return candidate.state === "open" ? candidate.height : null;
}

function oldestOpen(tables: Tables, above: number): JobRecord | undefined {
  return tables.jobsInOrder().find((job) => job.state === "open" && job.height > above);
}

async function credit(
  tx: ModelTransaction,
  into: number,
  from: number,
  rows: readonly DeltaRow[],
): Promise<void> {
  const { tables } = tx;
  for (const row of inKeyOrder(rows)) {
    await tx.lock(`work:${into}/${row.user},${row.worker}`, "exclusive");
    if (tables.jobs.get(into)?.state !== "open")
      throw new CodedError("db-error", `job ${into} is not open: its sums are refused`, {
        data: { sqlstate: "BK001" },
      });
    tx.write(() => add(tables, into, from, row));
  }
}

function inKeyOrder(rows: readonly DeltaRow[]): DeltaRow[] {
  return [...rows].sort((a, b) => (`${a.user},${a.worker}` < `${b.user},${b.worker}` ? -1 : 1));
}

function add(tables: Tables, into: number, from: number, row: DeltaRow): void {
  const sums = tables.work.get(into) ?? new Map();
  tables.work.set(into, sums);
  const { user, worker } = row;
  const key = `${user},${worker}`;
  const sum = sums.get(key) ?? { user, worker, shares: 0n, work: 0n, best: 0n, rejected: 0n, late: 0n };
  const shares = BigInt(row.shares);
  const best = into === from ? BigInt(row.best) : 0n;
  sums.set(key, {
    ...{ user, worker },
    shares: sum.shares + shares,
    work: sum.work + BigInt(row.work),
    best: best > sum.best ? best : sum.best,
    rejected: sum.rejected + BigInt(row.rejected),
    late: sum.late + (into === from ? 0n : shares),
  });
  tables.touch(into);
}

export async function applyClose(
  tx: ModelTransaction,
  [job, slot, epoch, lastSeq]: readonly [number, number, number, number],
): Promise<string> {
  const key = bookId({ job, slot, epoch });
  await tx.lock(`marker:${key}`, "exclusive");
  const known = tx.tables.markers.get(key);
  if (known !== undefined) return known === lastSeq ? "dup" : "conflict";
  tx.write(() => void tx.tables.markers.set(key, lastSeq));
  return "applied";
}

export async function unpark(tx: ModelTransaction, limits: WorkerLimits): Promise<boolean> {
  const { tables } = tx;
  const parked = (): DeltaRecord[] => [...tables.deltas.values()].filter(({ into }) => into === null);
  const open = tables.jobsInOrder().find(({ state }) => state === "open");
  if (parked().length === 0 || open === undefined) return false;
  await tx.lock(`job:${open.height}`, "share");
  if (open.state !== "open") return false;
  const [next] = parked().sort((a, b) => (deltaOrder(a) < deltaOrder(b) ? -1 : 1));
  if (next === undefined) return false;
  // The real one skips a row that another has locked; here the second waits and finds it given.
  await tx.lock(`delta:${bookId(next.delta)}/${next.delta.seq}`, "exclusive");
  if (next.into !== null) return false;
  const folded = await foldNames(tx, open.height, next.delta.rows, limits);
  const dropped = droppedRows(tables, open.height, next.delta.rows);
  tx.write(() => void Object.assign(next, { into: open.height, folded, dropped }));
  await credit(tx, open.height, next.delta.job, bookedRows(next.delta.rows, folded, dropped));
  return true;
}

function deltaOrder({ delta: { job, slot, epoch, seq } }: DeltaRecord): string {
  return [job, slot, epoch, seq].map((part) => String(part).padStart(16, "0")).join("/");
}

function sha(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
