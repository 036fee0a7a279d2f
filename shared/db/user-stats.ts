/** What one user's page shows, read by that user's keys only. */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { bigintText, type Db, first, sql } from "./port.ts";

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
      payout_address AS "payoutAddress" FROM shown_balances WHERE user_name = ${user}`,
    balanceRow,
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

/**
 * Newest first, those below `before` where it is given. A sealed job's sums over the user's workers are in its payout: a farm has thousands of rows
 * of work in each. Refused shares are there since 0092.
 */
export function userBlocks(db: Db, user: string, limit: number, before?: number): Promise<UserBlock[]> {
  const below = sql`${before ?? 0x7fff_ffff}::int`;
  return db.query(
    sql`SELECT j.height, j.state, j.credit, mine.shares::text AS shares, mine.work::text AS work, mine.rejected::text AS rejected,
      j.work::text AS "poolWork", mine.amount::text AS amount, ${ms(sql`j.created_at`)} AS "jobAtMs",
      (SELECT ${ms(sql`n.created_at`)} FROM jobs n WHERE n.height > j.height ORDER BY n.height LIMIT 1) AS "nextJobAtMs"
    FROM (
      SELECT w.job, sum(w.shares) AS shares, sum(w.work) AS work, sum(w.rejected) AS rejected, NULL::bigint AS amount
        FROM (SELECT height FROM jobs WHERE state <> 'sealed' AND height < ${below}) o
        JOIN work w ON w.job = o.height AND w.user_name = ${user} GROUP BY w.job
      UNION ALL (SELECT p.job, p.shares, p.work, COALESCE(p.rejected,
          (SELECT sum(w.rejected) FROM work w WHERE w.user_name = ${user} AND w.job = p.job)), p.amount
        FROM payouts p JOIN jobs s ON s.height = p.job AND s.attempt = p.attempt AND s.state = 'sealed'
        WHERE p.user_name = ${user} AND p.job < ${below} ORDER BY p.job DESC LIMIT ${limit}::int)
    ) mine JOIN jobs j ON j.height = mine.job ORDER BY j.height DESC LIMIT ${limit}::int`,
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
