/** What a user takes home as a file: everything of its own, page by page (functions/api/routes/exports.ts). */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { bigintText, type Db, sql } from "./port.ts";

const dayRow = v.object({
  /** UTC, YYYY-MM-DD. */
  day: v.string(),
  blocks: v.number(),
  earned: bigintText,
  adjusted: bigintText,
  paid: bigintText,
});

/** What a day brought, in 1e-8 PEG: `earned` by the sealed blocks that began on it, what was adjusted and paid out on it. */
export type EarningsDay = v.InferOutput<typeof dayRow>;

/** Newest first; days without anything are left out. */
export function earningsByDay(db: Db, user: string, limit: number): Promise<EarningsDay[]> {
  return db.query(
    sql`SELECT to_char(d.day, 'YYYY-MM-DD') AS day, sum(d.blocks)::int AS blocks, sum(d.earned)::text AS earned,
      sum(d.adjusted)::text AS adjusted, sum(d.paid)::text AS paid
    FROM (
      SELECT (j.created_at AT TIME ZONE 'UTC')::date AS day, 1 AS blocks, p.amount AS earned, 0 AS adjusted, 0 AS paid
        FROM payouts p JOIN jobs j ON j.height = p.job WHERE p.user_name = ${user} AND p.job NOT IN (SELECT height FROM jobs WHERE state <> 'sealed')
      UNION ALL SELECT (at AT TIME ZONE 'UTC')::date, 0, 0, amount, 0 FROM adjustments WHERE user_name = ${user}
      UNION ALL SELECT (at AT TIME ZONE 'UTC')::date, 0, 0, 0, amount FROM payments WHERE user_name = ${user}
    ) d GROUP BY d.day ORDER BY d.day DESC LIMIT ${limit}::int`,
    dayRow,
  );
}

const moneyRow = v.object({
  atMs: v.number(),
  kind: v.picklist(["payment", "adjustment"]),
  amount: bigintText,
  /** Of a payment. */
  address: v.string(),
  entryHash: v.string(),
  /** Of an adjustment. */
  reason: v.string(),
});

/** A payment or an adjustment; "" where the other kind has something. */
export type MoneyMoved = v.InferOutput<typeof moneyRow>;

/** Newest first, from the place `from` on. */
export function moneyMoved(
  db: Db,
  user: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<MoneyMoved[]> {
  return db.query(
    sql`SELECT ${ms(sql`m.at`)} AS "atMs", m.kind, m.amount::text AS amount, m.address, m.entry_hash AS "entryHash", m.reason
    FROM (
      SELECT at, 'payment' AS kind, amount, address, entry_hash, '' AS reason FROM payments WHERE user_name = ${user}
      UNION ALL SELECT at, 'adjustment', amount, '', '', reason FROM adjustments WHERE user_name = ${user}
    ) m ORDER BY m.at DESC, m.kind, m.entry_hash, m.amount OFFSET ${from}::int LIMIT ${limit}::int`,
    moneyRow,
  );
}
