/** The database port over the model: knows every statement that books, follower, leases and accounts send, by what it is for. */

import * as v from "valibot";
import type { Db, Sql, SqlValue } from "../../../shared/db/port.ts";
import type { WorkerLimits } from "../../../shared/db/workers.ts";
import { CodedError } from "../../../shared/errors.ts";
import { close, draft, leavesPage, record, register, seal } from "./books.ts";
import { applyClose, applyDelta, applyDeltas, unpark } from "./deltas.ts";
import { endExpired } from "./edges.ts";
import { confirm } from "./names.ts";
import type { ModelServer, ModelTransaction } from "./server.ts";
import { bookId, type JobRecord, type PriceRecord, type Tables } from "./tables.ts";

type Row = Record<string, SqlValue>;

/** What a statement did: its rows, and how many it changed. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly count: number;
}

type Values = readonly SqlValue[];
type Statement = (tx: ModelTransaction, values: Values, server: ModelServer) => Promise<Answer>;

const text = (values: Values, at: number): string => String(values[at]);
const number = (values: Values, at: number): number => Number(values[at]);
const rows = (...found: Row[]): Answer => ({ rows: found, count: found.length });
const limits = (values: Values, at: number): WorkerLimits => ({
  inJob: number(values, at),
  newInDay: number(values, at + 1),
});
const changed = (count: number): Answer => ({ rows: [], count });

/** By a text that only this statement has; the first that fits is it. */
const STATEMENTS: readonly (readonly [string, Statement])[] = [
  [
    "SELECT books_apply_delta(",
    async (tx, values) =>
      rows({ outcome: JSON.stringify(await applyDelta(tx, text(values, 0), limits(values, 1))) }),
  ],
  [
    "SELECT books_apply_deltas(",
    async (tx, values) => {
      const bodies = text(values, 1).split("\u001e");
      return rows({ outcomes: JSON.stringify(await applyDeltas(tx, bodies, limits(values, 2))) });
    },
  ],
  [
    "SELECT books_apply_close(",
    async (tx, values) => {
      const key = [number(values, 0), number(values, 1), number(values, 2), number(values, 3)] as const;
      return rows({ outcome: await applyClose(tx, key) });
    },
  ],
  ["SELECT books_unpark(", async (tx, values) => rows({ moved: await unpark(tx, limits(values, 0)) })],
  [
    "SELECT workers_confirm(",
    async (tx, values) =>
      rows({ confirmed: await confirm(tx, text(values, 0), text(values, 1), number(values, 2)) }),
  ],
  [
    "SELECT books_close(",
    async (tx, values) => rows({ frozen: await close(tx, number(values, 0), values[1] === true) }),
  ],
  [
    "SELECT books_draft(",
    async (tx, values) =>
      rows({ drafted: await draft(tx, number(values, 0), text(values, 1), text(values, 2)) }),
  ],
  [
    "SELECT books_seal(",
    async (tx, values) =>
      rows({ outcome: await seal(tx, number(values, 0), text(values, 1), text(values, 2)) }),
  ],
  [
    "SELECT books_record(",
    async (tx, values) => rows({ outcome: JSON.stringify(await record(tx, text(values, 0))) }),
  ],
  ["UPDATE jobs SET looked_at = clock_timestamp()", lookAfter],
  ["UPDATE jobs SET closed_seen_at = NULL", restartDeadlines],
  ["WITH candidate AS", async (tx) => rows(...candidate(tx.tables))],
  ["FROM work_page(", async (tx, values) => rows(...leavesPage(tx.tables, values))],
  ["COALESCE(max(height), -1)", async (tx) => rows({ height: sealedHeights(tx.tables).at(-1) ?? -1 })],
  [
    "WHERE state = 'sealed' AND height > ",
    async (tx, values) => {
      const above = sealedHeights(tx.tables).filter((height) => height > number(values, 0));
      return rows(...above.slice(0, 200).map((height) => sealedRow(tx.tables, height)));
    },
  ],
  [
    "WHERE state = 'sealed' AND height = ",
    async (tx, values) => {
      const found = sealedHeights(tx.tables).filter((height) => height === number(values, 0));
      return rows(...found.map((height) => sealedRow(tx.tables, height)));
    },
  ],
  [
    "UPDATE edge_epochs e SET last_job",
    async (_, values, server) => changed(endExpired(server, -number(values, 0))),
  ],
  ["INSERT INTO prices", addPrices],
  ["FROM prices ORDER BY prices.id DESC", newestPrices(({ id }) => Number(id))],
  // As it was once: a mutation puts it back.
  ["FROM prices ORDER BY at DESC", newestPrices(({ atMs }) => atMs)],
  ["DELETE FROM worker_minutes", async () => changed(0)],
  ["SELECT 1 AS held FROM leases", leaseHeld],
  ["INSERT INTO leases", takeLease],
  ["UPDATE leases SET expires_at = now() -", releaseLease],
  ["UPDATE leases SET expires_at = LEAST(", cutLease],
  ["UPDATE leases SET expires_at", renewLease],
  ["INSERT INTO blocks", insertBlock],
  ["INSERT INTO block_places", async () => changed(0)],
  ["FROM blocks ORDER BY height DESC LIMIT 1", async (tx) => rows(...blockRows(tx.tables).slice(-1))],
  [
    "FROM blocks WHERE height = ",
    async (tx, values) => rows(...blockRows(tx.tables).filter((row) => row["height"] === values[0])),
  ],
  ["SELECT DISTINCT source FROM payout_batches", async () => rows()],
  [
    "SELECT source, height FROM payout_compared",
    async (tx) => rows(...[...tx.tables.compared].map(([source, height]) => ({ source, height }))),
  ],
  [
    "SELECT min(height) AS first FROM blocks",
    async (tx) => rows({ first: [...tx.tables.blocks.keys()].sort((a, b) => a - b)[0] ?? null }),
  ],
  ['SELECT h AS "entryHash", CASE', async (tx, values) => rows(...knownEntries(tx.tables, text(values, 0)))],
  ["INSERT INTO payout_compared", saveCompared],
  ["JOIN users u ON u.payout_address", async () => rows()],
  // Nobody guesses at passwords here: every place is a stranger's, and there is always room.
  [
    "FROM login_guess(",
    async (tx, values) =>
      rows({ counter: tx.tables.users.has(text(values, 0)) ? "strangers" : "nobody", waitMs: null }),
  ],
  ["login_take_back(", async () => rows({ done: 1 })],
  ["login_remember(", async () => rows({ done: 1 })],
  ["FROM login_places p JOIN users", async () => rows()],
  // No user has a password, and no invite is free.
  ['users.is_admin AS "isAdmin"', async () => rows()],
  ["claimed_by IS NULL) AS found", async () => rows({ found: false })],
  [
    "SELECT EXISTS (SELECT 1 FROM users",
    async (tx, values) => rows({ found: tx.tables.users.has(text(values, 0)) }),
  ],
  [
    "WITH free AS",
    async (tx, values) => {
      const answer = v.parse(registered, await register(tx, text(values, 1), text(values, 0)));
      return rows(answer);
    },
  ],
];

const registered = v.object({ free: v.boolean(), claimed: v.boolean() });

export function runStatement(tx: ModelTransaction, statement: Sql, server: ModelServer): Promise<Answer> {
  const known = STATEMENTS.find(([mark]) => statement.text.includes(mark));
  if (known === undefined) throw new Error(`the model does not know this statement: ${statement.text}`);
  return known[1](tx, statement.values, server);
}

/** The port without a network between: for contract tests. */
export function modelDb(server: ModelServer): Db {
  const on = (run: (statement: Sql) => Promise<Answer>): Pick<Db, "query" | "execute"> => ({
    query: async (statement, row) => parseRows(await run(statement), row),
    execute: async (statement) => (await run(statement)).count,
  });
  return {
    ...on((statement) => server.run((tx) => runStatement(tx, statement, server))),
    transaction: (work) =>
      server.run((tx) =>
        work({
          ...on((statement) => runStatement(tx, statement, server)),
          transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
          close: async () => undefined,
        }),
      ),
    close: async () => undefined,
  };
}

export function parseRows<Schema extends v.GenericSchema>(
  answer: Answer,
  row: Schema,
): v.InferOutput<Schema>[] {
  return answer.rows.map((raw) => v.parse(row, raw));
}

/** `lookAfterJobs` of shared/db/seals.ts. */
async function lookAfter(tx: ModelTransaction, values: Values): Promise<Answer> {
  const { tables } = tx;
  const longestMs = number(values, 0);
  const shortestMs = number(values, values.length - 1);
  const isOver = ({ height }: JobRecord): boolean =>
    Math.max(-1, ...tables.jobs.keys()) > height || Math.max(-1, ...tables.blocks.keys()) >= height;
  const sinceMs = (job: JobRecord): number | null =>
    job.lookedAtMs === null ? null : tx.nowMs() - job.lookedAtMs;
  const isDue = (job: JobRecord): boolean => {
    const since = sinceMs(job);
    const isOpen = job.state !== "sealed";
    return isOpen && (since === null || since < 0 || since > shortestMs || (!job.closedSeen && isOver(job)));
  };
  const due = tables.jobsInOrder().filter(isDue);
  for (const job of due) {
    await tx.lock(`job:${job.height}`, "exclusive");
    if (!isDue(job)) continue;
    const stepMs = Math.round(Math.max(0, Math.min(longestMs, sinceMs(job) ?? 0)));
    const closedSeen = job.closedSeen || isOver(job);
    const closedMs = job.closedMs + (job.closedSeen ? stepMs : 0);
    const lookedAtMs = tx.nowMs();
    const watchedMs = job.watchedMs + stepMs;
    tx.write(() => void Object.assign(job, { closedSeen, closedMs, lookedAtMs, watchedMs }));
  }
  return changed(due.length);
}

async function addPrices(tx: ModelTransaction, values: Values): Promise<Answer> {
  await tx.lock("prices", "exclusive");
  const id = BigInt(tx.tables.prices.length + 1);
  const made = { id, atMs: number(values, 0), madeAtMs: tx.nowMs() };
  tx.write(() => void tx.tables.prices.push(made));
  return rows({ id: id.toString() });
}

function newestPrices(order: (row: PriceRecord) => number): Statement {
  return async (tx) => {
    const [row] = [...tx.tables.prices].sort((a, b) => order(b) - order(a));
    if (row === undefined) return rows();
    const { id, atMs, madeAtMs } = row;
    return rows({ id: id.toString(), atMs, ageMs: tx.nowMs() - madeAtMs, version: 5, prices: "{}" });
  };
}

async function restartDeadlines(tx: ModelTransaction): Promise<Answer> {
  const open = tx.tables.jobsInOrder().filter(({ state }) => state === "open");
  for (const job of open) {
    await tx.lock(`job:${job.height}`, "exclusive");
    if (job.state !== "open") continue;
    tx.write(() => {
      Object.assign(job, { closedSeen: false, lookedAtMs: null, watchedMs: 0, closedMs: 0 });
    });
  }
  return changed(open.length);
}

function candidate(tables: Tables): Row[] {
  const job = tables.jobsInOrder().find(({ state }) => state !== "sealed");
  if (job === undefined) return [];
  const { height } = job;
  const missing = [...tables.epochs.values()]
    .filter(({ firstJob, lastJob }) => (firstJob ?? height) <= height && (lastJob ?? height) >= height)
    .map(({ slot, epoch, edgeId }) => {
      const lastSeq = tables.markers.get(bookId({ job: height, slot, epoch })) ?? null;
      const mine = [...tables.deltas.values()].filter(
        ({ delta }) =>
          delta.job === height &&
          delta.slot === slot &&
          delta.epoch === epoch &&
          delta.seq <= (lastSeq ?? delta.seq),
      );
      return { slot, epoch, edgeId, lastSeq, applied: mine.length };
    })
    .filter(({ lastSeq, applied }) => lastSeq === null || applied <= lastSeq)
    .sort((a, b) => a.slot - b.slot || a.epoch - b.epoch)
    .map((one) => ({ ...one, epoch: String(one.epoch) }));
  return [
    {
      height,
      watchedMs: job.watchedMs,
      state: job.state,
      closed: Math.max(...tables.jobs.keys()) > height || Math.max(-1, ...tables.blocks.keys()) >= height,
      rewarded: tables.blocks.has(height),
      closedMs: job.closedMs,
      missing: JSON.stringify(missing),
    },
  ];
}

function sealedHeights(tables: Tables): number[] {
  return tables
    .jobsInOrder()
    .filter(({ state }) => state === "sealed")
    .map(({ height }) => height);
}

function sealedRow(tables: Tables, height: number): Row {
  const job = tables.jobs.get(height);
  if (job?.sealed === undefined) throw new Error(`job ${height} is not sealed`);
  const { shares, winning, reward, fee, paid, carriedIn, carried, root } = job.sealed;
  const money = Object.entries({ shares, reward, fee, paid, carriedIn, carried });
  return {
    ...Object.fromEntries(money.map(([name, value]) => [name, value.toString()])),
    ...{ height, winning, forced: job.forced, root },
  };
}

async function leaseHeld(tx: ModelTransaction, values: Values): Promise<Answer> {
  await tx.lock("lease:chain", "share");
  const lease = tx.tables.leases.get("chain");
  return lease !== undefined && lease.epoch.toString() === text(values, 0) ? rows({ held: 1 }) : rows();
}

async function takeLease(tx: ModelTransaction, values: Values): Promise<Answer> {
  const [name, holder, leaseMs] = [text(values, 0), text(values, 1), number(values, 2)];
  await tx.lock(`lease:${name}`, "exclusive");
  const known = tx.tables.leases.get(name);
  if (known !== undefined && known.holder !== holder && known.expiresAtMs >= tx.nowMs()) return rows();
  const epoch = (known?.epoch ?? 0n) + 1n;
  const expiresAtMs = tx.nowMs() + leaseMs;
  tx.write(() => void tx.tables.leases.set(name, { holder, epoch, expiresAtMs }));
  return rows({ epoch: epoch.toString() });
}

async function renewLease(tx: ModelTransaction, values: Values): Promise<Answer> {
  const [leaseMs, name] = [number(values, 0), text(values, 1)];
  await tx.lock(`lease:${name}`, "exclusive");
  const lease = tx.tables.leases.get(name);
  if (lease?.holder !== text(values, 2) || lease.epoch.toString() !== text(values, 3)) return changed(0);
  tx.write(() => Object.assign(lease, { expiresAtMs: tx.nowMs() + leaseMs }));
  return changed(1);
}

async function cutLease(tx: ModelTransaction, values: Values): Promise<Answer> {
  const [latestMs, name] = [tx.nowMs() + number(values, 0), text(values, 1)];
  await tx.lock(`lease:${name}`, "exclusive");
  const lease = tx.tables.leases.get(name);
  if (lease === undefined || lease.holder === text(values, 2) || lease.expiresAtMs <= latestMs)
    return changed(0);
  tx.write(() => Object.assign(lease, { expiresAtMs: latestMs }));
  return changed(1);
}

async function releaseLease(tx: ModelTransaction, values: Values): Promise<Answer> {
  const name = text(values, 0);
  await tx.lock(`lease:${name}`, "exclusive");
  const lease = tx.tables.leases.get(name);
  if (lease?.holder !== text(values, 1) || lease.epoch.toString() !== text(values, 2)) return changed(0);
  tx.write(() => Object.assign(lease, { expiresAtMs: tx.nowMs() - 1 }));
  return changed(1);
}

async function insertBlock(tx: ModelTransaction, values: Values): Promise<Answer> {
  const height = number(values, 0);
  await tx.lock(`block:${height}`, "exclusive");
  if (tx.tables.blocks.has(height)) return changed(0);
  const winning = number(values, 11);
  const block = { height, keyMr: text(values, 2), reward: BigInt(text(values, 12)), winning };
  tx.write(() => void tx.tables.blocks.set(height, block));
  return changed(1);
}

function knownEntries(tables: Tables, hashes: string): Row[] {
  const asked = v.parse(v.array(v.string()), JSON.parse(hashes));
  const known = (hash: string): string => {
    if (tables.payments.some((payment) => payment.entryHash === hash)) return "booked";
    return tables.sent.has(hash) ? "sent" : "unknown";
  };
  return asked.map((entryHash) => ({ entryHash, known: known(entryHash) }));
}

async function saveCompared(tx: ModelTransaction, values: Values): Promise<Answer> {
  const sources = v.parse(v.array(v.string()), JSON.parse(text(values, 1)));
  const height = number(values, 0);
  tx.write(() => {
    for (const source of sources)
      tx.tables.compared.set(source, Math.max(height, tx.tables.compared.get(source) ?? height));
  });
  return changed(sources.length);
}

function blockRows(tables: Tables): Row[] {
  return [...tables.blocks.values()]
    .sort((a, b) => a.height - b.height)
    .map(({ height, keyMr, reward, winning }) => ({
      ...{ height, version: 5, keyMr, at: 0, entries: 30, graded: true, winners: "[]", prices: null },
      ...{ minTarget: null, ema: null, networkHashrate: null, winning, reward: reward.toString() },
    }));
}

/** `insertJob` of shared/db/jobs.ts for what the model keeps of a job; the row that stands. */
export async function insertModelJob(tx: ModelTransaction, job: JobRecord): Promise<JobRecord> {
  const { tables } = tx;
  await tx.lock("advisory:7202001", "share");
  await tx.lock(`newjob:${job.height}`, "exclusive");
  const known = tables.jobs.get(job.height);
  if (known !== undefined) return known;
  if ([...tables.jobs.values()].some(({ height, state }) => height > job.height && state !== "open"))
    throw new CodedError("db-error", `job ${job.height} is too late`, { data: { sqlstate: "BK001" } });
  tx.write(() => void tables.jobs.set(job.height, job));
  return job;
}
