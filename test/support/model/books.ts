/** The functions of 0002_books.sql over the model's rows: same locks, same order, same outcomes. test/support/contracts compares the two. */

import { createHash } from "node:crypto";
import * as v from "valibot";
import type { WorkerLimits } from "../../../shared/db/workers.ts";
import { CodedError } from "../../../shared/errors.ts";
import { type Delta, type DeltaRow, delta } from "../../../shared/messages/summary.ts";
import { bookedRows, droppedRows, foldNames } from "./names.ts";
import type { ModelTransaction } from "./server.ts";
import { bookId, type DeltaRecord, type JobRecord, type Tables } from "./tables.ts";

const CLOSING = "advisory:7202001";
const RECORDING = "advisory:7202002";

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

export interface Frozen {
  readonly reward: bigint;
  readonly carriedIn: bigint;
  readonly winning: number;
  readonly leaves: number;
  readonly users: number;
  readonly shares: bigint;
  readonly work: bigint;
}

function freeze(tables: Tables, job: JobRecord): Frozen {
  const before = tables
    .jobsInOrder()
    .filter(({ height, state }) => height < job.height && state === "sealed");
  const jobless = [...tables.jobless.values()].filter(({ into }) => into === job.height);
  const sums = tables.sums(job.height);
  const block = tables.blocks.get(job.height);
  return {
    reward: block?.reward ?? 0n,
    winning: block?.winning ?? 0,
    carriedIn: jobless.reduce((sum, { reward }) => sum + reward, before.at(-1)?.sealed?.carried ?? 0n),
    leaves: sums.length,
    users: new Set(sums.map(({ user }) => user)).size,
    shares: sums.reduce((sum, { shares }) => sum + shares, 0n),
    work: sums.reduce((sum, { work }) => sum + work, 0n),
  };
}

/** books_frozen as the text of its JSON. */
function frozenText(tables: Tables, job: JobRecord, state: string, forced: boolean): string {
  const { reward, carriedIn, winning, leaves, users, shares, work } = freeze(tables, job);
  const money = { rate: job.rate, reward, carriedIn, shares, work };
  const texts = Object.fromEntries(Object.entries(money).map(([name, value]) => [name, value.toString()]));
  return JSON.stringify({ ...texts, state, forced, split: job.split, winning, leaves, users });
}

export async function close(tx: ModelTransaction, height: number, forced: boolean): Promise<string | null> {
  const { tables } = tx;
  await tx.lock(CLOSING, "exclusive");
  const job = tables.jobs.get(height);
  const waits = tables.jobsInOrder().some((other) => other.height < height && other.state !== "sealed");
  if (job === undefined || waits || !tables.blocks.has(height)) return null;
  await tx.lock(`job:${height}`, "exclusive");
  if (job.state !== "open") return frozenText(tables, job, job.state, job.forced);
  const first = Math.min(...tables.jobs.keys());
  const jobless = [...tables.blocks.values()].filter(
    (block) =>
      block.height < height &&
      block.height > first &&
      block.reward > 0n &&
      !tables.jobs.has(block.height) &&
      !tables.jobless.has(block.height),
  );
  // Nobody else writes these rows while the advisory lock is held, and the answer must count them.
  for (const block of jobless) tables.jobless.set(block.height, { reward: block.reward, into: height });
  tx.write(() => {
    job.state = "closing";
    job.forced = forced;
    tables.touch(height);
  });
  return frozenText(tables, job, "closing", forced);
}

interface DraftRow {
  readonly user: string;
  readonly shares: bigint;
  readonly work: bigint;
  readonly amount: bigint;
}

const draftRow = v.object({ user: v.string(), shares: v.string(), work: v.string(), amount: v.string() });

export async function draft(
  tx: ModelTransaction,
  height: number,
  attempt: string,
  rows: string,
): Promise<boolean> {
  const { tables } = tx;
  await tx.lock(`job:${height}`, "share");
  if (tables.jobs.get(height)?.state !== "closing") return false;
  const drafts: DraftRow[] = v.parse(v.array(draftRow), JSON.parse(rows)).map((row) => ({
    user: row.user,
    shares: BigInt(row.shares),
    work: BigInt(row.work),
    amount: BigInt(row.amount),
  }));
  tx.write(() => {
    const attempts = tables.payouts.get(height) ?? new Map();
    tables.payouts.set(height, attempts);
    const users = attempts.get(attempt) ?? new Map();
    attempts.set(attempt, users);
    for (const row of drafts) if (!users.has(row.user)) users.set(row.user, row);
    tables.touch(height);
  });
  return true;
}

const settlementText = v.object({
  fee: v.string(),
  paid: v.string(),
  carried: v.string(),
  root: v.string(),
  leaves: v.number(),
});

export async function seal(
  tx: ModelTransaction,
  height: number,
  attempt: string,
  text: string,
): Promise<string> {
  const { tables } = tx;
  await tx.lock(`job:${height}`, "exclusive");
  const job = tables.jobs.get(height);
  if (job?.state === "sealed") return "already";
  if (job?.state !== "closing") return "open";
  const parsed = v.parse(settlementText, JSON.parse(text));
  const fee = BigInt(parsed.fee);
  const paid = BigInt(parsed.paid);
  const carried = BigInt(parsed.carried);
  const frozen = freeze(tables, job);
  const drafts = [...(tables.payouts.get(height)?.get(attempt)?.values() ?? [])];
  const sum = (of: (row: DraftRow) => bigint): bigint => drafts.reduce((total, row) => total + of(row), 0n);
  const agrees =
    parsed.leaves === frozen.leaves &&
    drafts.length === frozen.users &&
    sum(({ shares }) => shares) === frozen.shares &&
    sum(({ work }) => work) === frozen.work &&
    sum(({ amount }) => amount) === paid &&
    fee === (frozen.reward * job.rate) / 100_000_000n &&
    carried >= 0n &&
    fee + paid + carried === frozen.reward + frozen.carriedIn &&
    !(carried > 0n && frozen.work > 0n && job.split !== "reference");
  if (!agrees)
    throw new CodedError("db-error", `seal of job ${height} does not agree with the frozen books`, {
      data: { sqlstate: "BK002" },
    });
  const { winning, shares, work, reward, carriedIn } = frozen;
  tx.write(() => {
    for (const other of tables.payouts.get(height)?.keys() ?? [])
      if (other !== attempt) tables.payouts.get(height)?.delete(other);
    job.state = "sealed";
    job.sealed = { attempt, winning, shares, work, reward, carriedIn, fee, paid, carried, root: parsed.root };
    tables.touch(height);
  });
  return "sealed";
}

/** booked − paid out of one user. */
export function owed(tables: Tables, user: string): bigint {
  let sum = 0n;
  for (const job of tables.jobs.values()) {
    if (job.sealed === undefined) continue;
    sum += tables.payouts.get(job.height)?.get(job.sealed.attempt)?.get(user)?.amount ?? 0n;
  }
  for (const payment of tables.payments) if (payment.user === user) sum -= payment.amount;
  return sum;
}

const receiptLines = v.array(
  v.object({ entryHash: v.string(), user: v.string(), address: v.string(), amount: v.string() }),
);

export async function record(tx: ModelTransaction, receipt: string): Promise<unknown> {
  const { tables } = tx;
  const lines = v.parse(receiptLines, JSON.parse(receipt));
  await tx.lock(RECORDING, "exclusive");
  const entries = [...new Set(lines.map(({ entryHash }) => entryHash))].sort(byText);
  const known = entries.filter((entry) => tables.payments.some(({ entryHash }) => entryHash === entry));
  for (const entry of known) {
    const booked = tables.payments
      .filter(({ entryHash }) => entryHash === entry)
      .map(lineText)
      .sort(byText);
    const told = lines
      .filter(({ entryHash }) => entryHash === entry)
      .map(lineText)
      .sort(byText);
    if (booked.join() !== told.join()) return { outcome: "conflict", entryHash: entry };
  }
  const fresh = lines.filter(({ entryHash }) => !known.includes(entryHash));
  for (const user of [...new Set(fresh.map((line) => line.user))].sort(byText)) {
    if (!tables.users.has(user)) return { outcome: "unknown-user", user };
    const amount = fresh.reduce((sum, line) => (line.user === user ? sum + BigInt(line.amount) : sum), 0n);
    const left = owed(tables, user);
    if (amount > left) return { outcome: "exceeds", user, owed: left.toString(), amount: amount.toString() };
  }
  await tx.moment();
  tx.write(() => {
    for (const line of fresh) tables.payments.push({ ...line, amount: BigInt(line.amount) });
  });
  return { outcome: "recorded", booked: entries.length - known.length, known: known.length };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function lineText(line: { user: string; address: string; amount: string | bigint }): string {
  return `${line.user} ${line.address} ${line.amount}`;
}

export async function register(tx: ModelTransaction, name: string, code: string): Promise<unknown> {
  const { tables } = tx;
  await tx.lock(`invite:${code}`, "exclusive");
  const free = tables.invites.has(code) && tables.invites.get(code) === undefined;
  if (!free) return { free: false, claimed: false };
  await tx.lock(`user:${name}`, "exclusive");
  if (tables.users.has(name)) return { free: true, claimed: false };
  tx.write(() => {
    tables.users.add(name);
    tables.invites.set(code, name);
  });
  return { free: true, claimed: true };
}

function sha(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
