/** The functions of 0002_books.sql over the model's rows: same locks, same order, same outcomes. test/support/contracts compares the two. */

import * as v from "valibot";
import type { SqlValue } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { ModelTransaction } from "./server.ts";
import type { JobRecord, Tables } from "./tables.ts";

const CLOSING = "advisory:7202001";
const RECORDING = "advisory:7202002";

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

/** By (job, user, worker, bytes, rows); from the first on where the user is null. */
export function leavesPage(tables: Tables, values: readonly SqlValue[]): Record<string, SqlValue>[] {
  const [job, user, worker, , limit] = values;
  const after = user === null ? "" : `${user},${worker}`;
  return tables
    .sums(Number(job))
    .filter((row) => after === "" || `${row.user},${row.worker}` > after)
    .slice(0, Number(limit))
    .map((row) => ({
      user: row.user,
      worker: row.worker,
      shares: `${row.shares}`,
      work: `${row.work}`,
    }));
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

export function byText(a: string, b: string): number {
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
