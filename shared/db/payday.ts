/** What the page of payday shows: who gets what and why, and what was paid so far (0078_payday.sql). Amounts in 1e-8 PEG. */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { bigintText, type Db, sql } from "./port.ts";

const lineRow = v.object({
  user: v.string(),
  address: v.string(),
  amount: bigintText,
  /** In blocks that were sealed since the last payout was prepared. */
  earned: bigintText,
  /** Corrections since then. */
  adjusted: bigintText,
  /** The user's last payment before this was prepared; null: there was none. */
  lastAmount: v.nullable(bigintText),
  lastAddress: v.nullable(v.string()),
});
export interface PaydayLine extends v.InferOutput<typeof lineRow> {
  /** Owed before, and not paid then, less what was paid otherwise since. */
  readonly carried: bigint;
}

/** The largest payments of a list, and of all those at a new or changed address the largest, each with where it comes from. */
export async function readPaydayLines(db: Db, batch: string, limit: number): Promise<PaydayLine[]> {
  const rows = await db.query(
    sql`WITH this AS (SELECT made_at AS at FROM payout_batches WHERE id = ${batch}),
      last AS (SELECT max(b.made_at) AS at FROM payout_batches b, this WHERE b.state IN ('sending', 'done') AND b.made_at < this.at
        AND EXISTS (SELECT 1 FROM payout_entries e WHERE e.batch = b.id AND e.state <> 'void')),
      heights AS (SELECT
        COALESCE((SELECT j.height FROM jobs j, last WHERE j.state = 'sealed' AND j.sealed_at <= last.at ORDER BY j.height DESC LIMIT 1), -1) AS above,
        COALESCE((SELECT j.height FROM jobs j, this WHERE j.state = 'sealed' AND j.sealed_at <= this.at ORDER BY j.height DESC LIMIT 1), -1) AS until),
      lines AS (SELECT l.user_name, l.address, l.amount, y.amount AS last_amount, y.address AS last_address
        FROM payout_lines l LEFT JOIN LATERAL (SELECT sum(p.amount) AS amount, max(p.address) AS address FROM payments p
          WHERE p.user_name = l.user_name AND p.at <= (SELECT at FROM this) GROUP BY p.at ORDER BY p.at DESC LIMIT 1) y ON true
        WHERE l.batch = ${batch}),
      shown AS (SELECT * FROM lines ORDER BY (last_address IS NOT NULL AND last_address <> address) DESC, lines.amount DESC, user_name
        LIMIT ${limit}::int)
      SELECT s.user_name AS "user", s.address, s.amount::text AS amount,
        COALESCE((SELECT sum(p.amount) FROM payouts p, heights h WHERE p.user_name = s.user_name AND p.job > h.above AND p.job <= h.until), 0)::text AS earned,
        COALESCE((SELECT sum(a.amount) FROM adjustments a, this WHERE a.user_name = s.user_name AND a.at <= this.at
          AND a.at > COALESCE((SELECT last.at FROM last), '-infinity')), 0)::text AS adjusted,
        s.last_amount::text AS "lastAmount", s.last_address AS "lastAddress"
      FROM shown s ORDER BY (s.last_address IS NOT NULL AND s.last_address <> s.address) DESC, s.amount DESC, s.user_name`,
    lineRow,
  );
  return rows.map((row) => ({ ...row, carried: row.amount - row.earned - row.adjusted }));
}

const entryRow = v.object({
  entryHash: v.string(),
  state: v.picklist(["intended", "revealed", "booked", "void"]),
  /** Why it is void: what it was to pay is owed again. */
  why: v.string(),
  users: v.number(),
  amount: bigintText,
});
export type PaydayEntry = v.InferOutput<typeof entryRow>;

/** In the order in which they are sent. */
export function readPaydayEntries(db: Db, batch: string): Promise<PaydayEntry[]> {
  return db.query(
    sql`SELECT e.entry_hash AS "entryHash", e.state, e.why, count(l.no)::int AS users, COALESCE(sum(l.amount), 0)::text AS amount
      FROM payout_entries e LEFT JOIN payout_lines l ON l.batch = e.batch AND l.entry = e.no
      WHERE e.batch = ${batch} GROUP BY e.no, e.entry_hash, e.state, e.why ORDER BY e.no`,
    entryRow,
  );
}

const payoutRow = v.object({
  id: v.string(),
  state: v.picklist(["sending", "done"]),
  madeAtMs: v.number(),
  total: bigintText,
  users: v.number(),
  entries: v.number(),
  booked: v.number(),
});
export type PaidOut = v.InferOutput<typeof payoutRow>;

/** What was sent, the newest first. */
export function listSent(db: Db, limit: number): Promise<PaidOut[]> {
  return db.query(
    sql`SELECT b.id, b.state, ${ms(sql`b.made_at`)} AS "madeAtMs", b.total::text AS total,
        (SELECT count(*) FROM payout_lines l WHERE l.batch = b.id)::int AS users,
        (SELECT count(*) FROM payout_entries e WHERE e.batch = b.id)::int AS entries,
        (SELECT count(*) FROM payout_entries e WHERE e.batch = b.id AND e.state = 'booked')::int AS booked
      FROM payout_batches b WHERE b.state IN ('sending', 'done') ORDER BY b.made_at DESC, b.id LIMIT ${limit}::int`,
    payoutRow,
  );
}

/** Administrators who can log in. */
export async function countAdministrators(db: Db): Promise<number> {
  const rows = await db.query(
    sql`SELECT count(*)::int AS many FROM users WHERE is_admin AND password IS NOT NULL`,
    v.object({ many: v.number() }),
  );
  return rows[0]?.many ?? 0;
}

const feedRow = v.object({ entryHash: v.string(), atMs: v.number(), users: v.number(), amount: bigintText });
export type PaymentEntry = v.InferOutput<typeof feedRow>;

/** Entries that paid, when they were booked, the newest first, read off the index that has them in this order; those below `before` where it is given. */
export function paymentFeed(db: Db, limit: number, before?: string): Promise<PaymentEntry[]> {
  const below =
    before === undefined
      ? sql`true`
      : sql`(p.at, p.entry_hash) < (SELECT b.at, b.entry_hash FROM payments b WHERE b.entry_hash = ${before} LIMIT 1)`;
  return db.query(
    sql`SELECT p.entry_hash AS "entryHash", ${ms(sql`p.at`)} AS "atMs", count(*)::int AS users, sum(p.amount)::text AS amount
      FROM payments p WHERE ${below} GROUP BY p.at, p.entry_hash ORDER BY p.at DESC, p.entry_hash DESC LIMIT ${limit}::int`,
    feedRow,
  );
}

const onTheWayRow = v.object({
  entryHash: v.string(),
  atMs: v.number(),
  address: v.string(),
  amount: bigintText,
});
export type OnTheWay = v.InferOutput<typeof onTheWayRow>;

/** What was sent to a user and is not booked yet. */
export function paymentsOnTheWay(db: Db, user: string): Promise<OnTheWay[]> {
  return db.query(
    sql`SELECT e.entry_hash AS "entryHash", ${ms(sql`e.changed_at`)} AS "atMs", l.address, l.amount::text AS amount
      FROM payout_lines l JOIN payout_entries e ON e.batch = l.batch AND e.no = l.entry
      WHERE l.user_name = ${user} AND e.state IN ('intended', 'revealed')
        AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash AND p.user_name = l.user_name)
      ORDER BY e.changed_at DESC, e.entry_hash LIMIT 20`,
    onTheWayRow,
  );
}
