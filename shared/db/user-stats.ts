/** What one user's page shows, read by that user's keys only. */

import * as v from "valibot";
import { REST_WORKER } from "../messages/summary.ts";
import { bigintText, type Db, first, jsonText, type Sql, sql } from "./port.ts";

const ms = (column: Sql): Sql => sql`extract(epoch FROM ${column})::float8 * 1000`;
const instant = (unixMs: number): Sql => sql`to_timestamp(${unixMs}::float8 / 1000)`;

const balanceRow = v.object({
  booked: bigintText,
  adjusted: bigintText,
  paidOut: bigintText,
  owed: bigintText,
  payoutAddress: v.nullable(v.string()),
});

/** owed = booked + adjusted − paid out, in 1e-8 PEG. */
export type UserBalance = v.InferOutput<typeof balanceRow>;

export function balanceOf(db: Db, user: string): Promise<UserBalance | undefined> {
  return first(
    db,
    sql`SELECT booked::text AS booked, adjusted::text AS adjusted, paid_out::text AS "paidOut", owed::text AS owed,
      payout_address AS "payoutAddress" FROM balances WHERE user_name = ${user}`,
    balanceRow,
  );
}

const workerRow = v.object({
  worker: v.string(),
  /** See 0056_worker_names.sql; `rest`: all rigs that have no row of their own. */
  kind: v.picklist(["own", "new", "rest"]),
  /** The newest job it worked for. */
  lastJob: v.number(),
  longWork: bigintText,
  shortWork: bigintText,
  shares: bigintText,
  rejected: bigintText,
  firstMs: v.nullable(v.number()),
  lastMs: v.nullable(v.number()),
  /** Pairs of a minute since 1970 and its work. */
  minutes: v.pipe(jsonText, v.array(v.tuple([v.number(), bigintText]))),
});

/** Sums over the long window; `firstMs` and `lastMs` are its first and last minute with a share. */
export type WorkerSummary = v.InferOutput<typeof workerRow>;

/**
 * Workers of a user with accepted shares since job `sinceJob`: the owner's own first, then new names, then the rest row. In each group the
 * one seen last comes first.
 */
export function workersOf(
  db: Db,
  user: string,
  window: { sinceJob: number; longMs: number; shortMs: number; nowMs: number; limit: number },
): Promise<WorkerSummary[]> {
  return db.query(
    sql`WITH seen AS (
      SELECT worker, max(job) AS last_job FROM work
      WHERE user_name = ${user} AND job >= ${window.sinceJob}::int AND shares > 0 GROUP BY worker
    ), ranked AS (
      SELECT s.*, CASE WHEN s.worker = ${REST_WORKER} THEN 3 WHEN n.state = 'own' THEN 1 ELSE 2 END AS rank
      FROM seen s LEFT JOIN workers n ON n.user_name = ${user} AND n.worker = s.worker
    ), known AS (
      SELECT * FROM ranked ORDER BY rank, last_job DESC, worker LIMIT ${window.limit}::int
    )
    SELECT k.worker, CASE k.rank WHEN 1 THEN 'own' WHEN 2 THEN 'new' ELSE 'rest' END AS kind, k.last_job AS "lastJob", s."longWork", s."shortWork", s.shares, s.rejected, s."firstMs", s."lastMs", s.minutes
    FROM known k CROSS JOIN LATERAL (
      SELECT COALESCE(sum(m.work), 0)::text AS "longWork",
        COALESCE(sum(m.work) FILTER (WHERE m.minute >= ${instant(window.shortMs)}), 0)::text AS "shortWork",
        COALESCE(sum(m.shares), 0)::text AS shares, COALESCE(sum(m.rejected), 0)::text AS rejected,
        ${ms(sql`min(m.minute)`)} AS "firstMs", ${ms(sql`max(m.minute) FILTER (WHERE m.shares > 0)`)} AS "lastMs",
        COALESCE(jsonb_agg(jsonb_build_array((extract(epoch FROM m.minute) / 60)::int, m.work::text)), '[]')::text AS minutes
      FROM worker_minutes m
      WHERE m.user_name = ${user} AND m.worker = k.worker AND m.minute BETWEEN ${instant(window.longMs)} AND ${instant(window.nowMs)}
    ) s ORDER BY k.rank, k.last_job DESC, k.worker`,
    workerRow,
  );
}

const userBlockRow = v.object({
  height: v.number(),
  state: v.picklist(["open", "closing", "sealed"]),
  credit: v.picklist(["assigned", "achieved"]),
  shares: bigintText,
  work: bigintText,
  rejected: bigintText,
  poolWork: v.nullable(bigintText),
  amount: v.nullable(bigintText),
  jobAtMs: v.number(),
  nextJobAtMs: v.nullable(v.number()),
});

/** A user's part in one job; `poolWork` and `amount` are null until it is sealed. */
export type UserBlock = v.InferOutput<typeof userBlockRow>;

/** Newest first, those below `before` where it is given. */
export function userBlocks(db: Db, user: string, limit: number, before?: number): Promise<UserBlock[]> {
  return db.query(
    sql`SELECT j.height, j.state, j.credit, mine.shares::text AS shares, mine.work::text AS work, mine.rejected::text AS rejected,
      j.work::text AS "poolWork", p.amount::text AS amount, ${ms(sql`j.created_at`)} AS "jobAtMs",
      (SELECT ${ms(sql`n.created_at`)} FROM jobs n WHERE n.height > j.height ORDER BY n.height LIMIT 1) AS "nextJobAtMs"
    FROM (
      SELECT job, sum(shares) AS shares, sum(work) AS work, sum(rejected) AS rejected FROM work
      WHERE user_name = ${user} AND job < ${before ?? 0x7fff_ffff}::int GROUP BY job ORDER BY job DESC LIMIT ${limit}::int
    ) mine
    JOIN jobs j ON j.height = mine.job
    LEFT JOIN payouts p ON p.job = j.height AND p.attempt = j.attempt AND p.user_name = ${user} AND j.state = 'sealed'
    ORDER BY j.height DESC`,
    userBlockRow,
  );
}

const pendingRow = v.object({
  height: v.number(),
  feeRate: v.string(),
  /** Null while the block is not graded. */
  reward: v.nullable(bigintText),
  poolWork: bigintText,
  work: bigintText,
  shares: bigintText,
});

/** A job that is not sealed yet, with the user's and the pool's work so far. */
export type PendingJob = v.InferOutput<typeof pendingRow>;

/** Newest first; jobs without work of the user are left out. */
export function pendingJobs(db: Db, user: string, limit: number): Promise<PendingJob[]> {
  return db.query(
    sql`SELECT j.height, j.fee_rate::text AS "feeRate", b.reward::text AS reward, total.work::text AS "poolWork",
      mine.work::text AS work, mine.shares::text AS shares
    FROM (SELECT height, fee_rate FROM jobs WHERE state <> 'sealed' ORDER BY height DESC LIMIT ${limit}::int) j
    LEFT JOIN blocks b ON b.height = j.height
    CROSS JOIN LATERAL (
      SELECT sum(w.work) AS work, sum(w.shares) AS shares FROM work w WHERE w.user_name = ${user} AND w.job = j.height) mine
    CROSS JOIN LATERAL (SELECT sum(w.work) AS work FROM work w WHERE w.job = j.height) total
    WHERE mine.work IS NOT NULL ORDER BY j.height DESC`,
    pendingRow,
  );
}

/** Mean reward of the last sealed jobs, in 1e-8 PEG: what a block that is not graded yet may bring. */
export async function recentMeanReward(db: Db): Promise<bigint> {
  const row = await first(
    db,
    sql`SELECT COALESCE(floor(avg(reward)), 0)::text AS mean FROM (
      SELECT reward FROM jobs WHERE state = 'sealed' ORDER BY height DESC LIMIT 20) recent`,
    v.object({ mean: bigintText }),
  );
  return row?.mean ?? 0n;
}

const paymentRow = v.object({
  entryHash: v.string(),
  address: v.string(),
  amount: bigintText,
  atMs: v.number(),
});
export type PaymentSummary = v.InferOutput<typeof paymentRow>;

/** Newest first. */
export function paymentsOf(db: Db, user: string, limit: number): Promise<PaymentSummary[]> {
  return db.query(
    sql`SELECT entry_hash AS "entryHash", address, amount::text AS amount, ${ms(sql`at`)} AS "atMs"
      FROM payments WHERE user_name = ${user} ORDER BY at DESC, entry_hash LIMIT ${limit}::int`,
    paymentRow,
  );
}

const adjustmentRow = v.object({ amount: bigintText, reason: v.string(), atMs: v.number() });
export type AdjustmentSummary = v.InferOutput<typeof adjustmentRow>;

/** Newest first. */
export function adjustmentsOf(db: Db, user: string, limit: number): Promise<AdjustmentSummary[]> {
  return db.query(
    sql`SELECT amount::text AS amount, reason, ${ms(sql`at`)} AS "atMs"
      FROM adjustments WHERE user_name = ${user} ORDER BY at DESC, id DESC LIMIT ${limit}::int`,
    adjustmentRow,
  );
}
