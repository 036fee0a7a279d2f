/** What the replay reads: each table once, in its key's order, page by page, so that no database is too large for the memory. */

import * as v from "valibot";
import { PAGE_BODY_BYTES, PAGE_DELTAS } from "../db/delta-pages.ts";
import { bigintText, type Db, type Sql, sql } from "../db/port.ts";

/** See seals.ts. */
const PAGE_ROWS = 500;

const creditMode = v.nullable(v.picklist(["assigned", "achieved"]));
const maybeBigint = v.nullable(bigintText);

const heightRow = v.object({
  height: v.number(),
  /** Null where there is no job at this height. */
  state: v.nullable(v.picklist(["open", "closing", "sealed"])),
  /** The job's fee rate in units of 1e-8. */
  rate: maybeBigint,
  split: v.nullable(v.picklist(["largest-remainder", "reference"])),
  credit: creditMode,
  winning: v.nullable(v.number()),
  shares: maybeBigint,
  work: maybeBigint,
  reward: maybeBigint,
  carriedIn: maybeBigint,
  fee: maybeBigint,
  paid: maybeBigint,
  carried: maybeBigint,
  root: v.nullable(v.string()),
  attempt: v.nullable(v.string()),
  /** Of the graded block; null where there is none. */
  blockReward: maybeBigint,
  blockWinning: v.nullable(v.number()),
  /** What the block's recorded places pay us; null where none are recorded. */
  placesReward: maybeBigint,
  joblessReward: maybeBigint,
  joblessInto: v.nullable(v.number()),
});
export type HeightRow = v.InferOutput<typeof heightRow>;

/** Every height with a job, a block or a jobless reward. */
export function readHeights(db: Db): AsyncGenerator<HeightRow> {
  return pages(
    (last: HeightRow | undefined) => {
      const after = last?.height ?? -1;
      const part = (table: Sql): Sql =>
        sql`(SELECT height FROM ${table} WHERE height > ${after}::int ORDER BY height LIMIT ${PAGE_ROWS}::int)`;
      return sql`SELECT h.height, j.state, (j.fee_rate * 100000000)::bigint::text AS rate, j.split, j.credit, j.winning,
        j.shares::text AS shares, j.work::text AS work, j.reward::text AS reward, j.carried_in::text AS "carriedIn", j.fee::text AS fee,
        j.paid::text AS paid, j.carried::text AS carried, j.root, j.attempt, b.reward::text AS "blockReward", b.winning AS "blockWinning",
        (SELECT sum(CASE WHEN p.ours THEN p.payout ELSE 0 END)::text FROM block_places p WHERE p.height = h.height) AS "placesReward",
        r.reward::text AS "joblessReward", r.into_job AS "joblessInto"
        FROM (SELECT height FROM (${part(sql`jobs`)} UNION ${part(sql`blocks`)} UNION ${part(sql`jobless_rewards`)}) every
          ORDER BY height LIMIT ${PAGE_ROWS}::int) h
        LEFT JOIN jobs j USING (height) LEFT JOIN blocks b USING (height) LEFT JOIN jobless_rewards r USING (height) ORDER BY h.height`;
    },
    (statement) => db.query(statement, heightRow),
  );
}

/** An array of the database, as text with commas. */
const places = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? [] : text.split(",").map(Number))),
);

const deltaRow = v.object({
  job: v.number(),
  slot: v.number(),
  epoch: v.string(),
  seq: v.number(),
  sha256: v.string(),
  /** Null where it is in the archive. */
  body: v.nullable(v.string()),
  intoJob: v.nullable(v.number()),
  /** See BookedDelta. */
  folded: v.nullable(places),
  dropped: places,
  /** Of the job it was mined for, and of the one it is booked into; null where there is none. */
  from: creditMode,
  to: creditMode,
});
export type StoredDelta = v.InferOutput<typeof deltaRow>;

/** Every delta, by the job it was mined for. */
export function readDeltas(db: Db): AsyncGenerator<StoredDelta> {
  return pages(
    (last: StoredDelta | undefined) => {
      const after =
        last === undefined
          ? sql`true`
          : sql`(job, slot, epoch, seq) > (${last.job}::int, ${last.slot}::smallint, ${last.epoch}::bigint, ${last.seq}::int)`;
      return sql`WITH page AS (
          SELECT job, slot, epoch, seq, octet_length(body) AS bytes FROM deltas WHERE ${after}
          ORDER BY deltas.job, deltas.slot, deltas.epoch, deltas.seq LIMIT ${PAGE_DELTAS}::int
        ), sized AS (
          SELECT *, COALESCE(sum(bytes) OVER (ORDER BY page.job, page.slot, page.epoch, page.seq) - COALESCE(bytes, 0), 0) AS before FROM page
        )
        SELECT d.job, d.slot, d.epoch::text AS epoch, d.seq, d.sha256, d.body, d.into_job AS "intoJob",
        array_to_string(d.folded, ',') AS folded, COALESCE(array_to_string(d.dropped, ','), '') AS dropped, f.credit AS "from", t.credit AS "to"
        FROM sized s JOIN deltas d USING (job, slot, epoch, seq) LEFT JOIN jobs f ON f.height = d.job LEFT JOIN jobs t ON t.height = d.into_job
        WHERE s.before < ${PAGE_BODY_BYTES}::bigint ORDER BY d.job, d.slot, d.epoch, d.seq`;
    },
    (statement) => db.query(statement, deltaRow),
  );
}

const workRow = v.object({
  job: v.number(),
  user: v.string(),
  worker: v.string(),
  shares: bigintText,
  work: bigintText,
  best: bigintText,
  rejected: bigintText,
  lateShares: bigintText,
});
export type StoredWork = v.InferOutput<typeof workRow>;

/** The sums, by job, user and worker. */
export function readWork(db: Db): AsyncGenerator<StoredWork> {
  return pages(
    (last: StoredWork | undefined) => {
      const after =
        last === undefined
          ? sql`true`
          : sql`(job, user_name, worker) > (${last.job}::int, ${last.user}, ${last.worker})`;
      return sql`SELECT job, user_name AS "user", worker, shares::text AS shares, work::text AS work, best::text AS best,
        rejected::text AS rejected, late_shares::text AS "lateShares"
        FROM work WHERE ${after} ORDER BY job, user_name, work.worker LIMIT ${PAGE_ROWS}::int`;
    },
    (statement) => db.query(statement, workRow),
  );
}

const tallyRow = v.object({ job: v.number(), user: v.string(), judged: bigintText, sent: bigintText });
export type StoredTally = v.InferOutput<typeof tallyRow>;

/** What was judged of each user's work, by job and user. */
export function readTallies(db: Db): AsyncGenerator<StoredTally> {
  return pages(
    (last: StoredTally | undefined) => {
      const after = last === undefined ? sql`true` : sql`(job, user_name) > (${last.job}::int, ${last.user})`;
      return sql`SELECT job, user_name AS "user", judged::text AS judged, sent::text AS sent
        FROM tallies WHERE ${after} ORDER BY job, user_name LIMIT ${PAGE_ROWS}::int`;
    },
    (statement) => db.query(statement, tallyRow),
  );
}

const payoutRow = v.object({
  job: v.number(),
  attempt: v.string(),
  user: v.string(),
  shares: bigintText,
  work: bigintText,
  amount: bigintText,
});
export type StoredPayout = v.InferOutput<typeof payoutRow>;

/** The payouts, by job, attempt and user; drafts too. */
export function readPayouts(db: Db): AsyncGenerator<StoredPayout> {
  return pages(
    (last: StoredPayout | undefined) => {
      const after =
        last === undefined
          ? sql`true`
          : sql`(job, attempt, user_name) > (${last.job}::int, ${last.attempt}, ${last.user})`;
      return sql`SELECT job, attempt, user_name AS "user", shares::text AS shares, work::text AS work, amount::text AS amount
        FROM payouts WHERE ${after} ORDER BY job, payouts.attempt, user_name LIMIT ${PAGE_ROWS}::int`;
    },
    (statement) => db.query(statement, payoutRow),
  );
}

const adjustmentRow = v.object({
  id: bigintText,
  user: v.string(),
  amount: bigintText,
  reason: v.string(),
  madeBy: v.string(),
  at: v.string(),
  /** As the money log has it; null where it has none. */
  logged: v.nullable(v.string()),
});
export type StoredAdjustment = v.InferOutput<typeof adjustmentRow>;

export function readAdjustments(db: Db): AsyncGenerator<StoredAdjustment> {
  return pages(
    (last: StoredAdjustment | undefined) =>
      sql`SELECT a.id::text AS id, a.user_name AS "user", a.amount::text AS amount, a.reason, a.made_by AS "madeBy",
        extract(epoch FROM a.at)::text AS at, l.body AS logged
        FROM adjustments a LEFT JOIN money_log l ON l.kind = 'adjustment' AND l.key = a.id::text
        WHERE a.id > ${last?.id ?? 0n}::bigint ORDER BY a.id LIMIT ${PAGE_ROWS}::int`,
    (statement) => db.query(statement, adjustmentRow),
  );
}

const paymentRow = v.object({
  entryHash: v.string(),
  user: v.string(),
  address: v.string(),
  amount: bigintText,
  at: v.string(),
  logged: v.nullable(v.string()),
});
export type StoredPayment = v.InferOutput<typeof paymentRow>;

export function readPayments(db: Db): AsyncGenerator<StoredPayment> {
  return pages(
    (last: StoredPayment | undefined) => {
      const after =
        last === undefined ? sql`true` : sql`(p.entry_hash, p.user_name) > (${last.entryHash}, ${last.user})`;
      return sql`SELECT p.entry_hash AS "entryHash", p.user_name AS "user", p.address, p.amount::text AS amount,
        extract(epoch FROM p.at)::text AS at, l.body AS logged
        FROM payments p LEFT JOIN money_log l ON l.kind = 'payment' AND l.key = p.entry_hash || ' ' || p.user_name
        WHERE ${after} ORDER BY p.entry_hash, p.user_name LIMIT ${PAGE_ROWS}::int`;
    },
    (statement) => db.query(statement, paymentRow),
  );
}

const logRow = v.object({
  id: bigintText,
  kind: v.string(),
  key: v.string(),
  body: v.string(),
  sha256: v.string(),
  /** Whether the row that it is about exists. */
  stands: v.boolean(),
});
export type LoggedMoney = v.InferOutput<typeof logRow>;

export function readMoneyLog(db: Db): AsyncGenerator<LoggedMoney> {
  return pages(
    (last: LoggedMoney | undefined) =>
      sql`SELECT l.id::text AS id, l.kind, l.key, l.body, l.sha256, (a.id IS NOT NULL OR p.entry_hash IS NOT NULL) AS stands
        FROM money_log l LEFT JOIN adjustments a ON l.kind = 'adjustment' AND a.id::text = l.key
        LEFT JOIN payments p ON l.kind = 'payment' AND p.entry_hash = split_part(l.key, ' ', 1) AND p.user_name = split_part(l.key, ' ', 2)
        WHERE l.id > ${last?.id ?? 0n}::bigint ORDER BY l.id LIMIT ${PAGE_ROWS}::int`,
    (statement) => db.query(statement, logRow),
  );
}

const balanceRow = v.object({
  user: v.string(),
  booked: bigintText,
  adjusted: bigintText,
  paidOut: bigintText,
  owed: bigintText,
});
export type StoredBalance = v.InferOutput<typeof balanceRow>;

/** What each user is owed, by the database's own sums. */
export function readStoredBalances(db: Db): AsyncGenerator<StoredBalance> {
  return pages(
    (last: StoredBalance | undefined) =>
      sql`SELECT user_name AS "user", booked::text AS booked, adjusted::text AS adjusted, paid_out::text AS "paidOut", owed::text AS owed
        FROM balances WHERE user_name > ${last?.user ?? ""} ORDER BY user_name LIMIT ${PAGE_ROWS}::int`,
    (statement) => db.query(statement, balanceRow),
  );
}

/** Rows one by one; `statement` makes the page behind a row. An empty page is the end. */
async function* pages<Row>(
  statement: (last: Row | undefined) => Sql,
  query: (statement: Sql) => Promise<Row[]>,
): AsyncGenerator<Row> {
  let last: Row | undefined;
  for (;;) {
    const page = await query(statement(last));
    if (page.length === 0) return;
    yield* page;
    last = page.at(-1);
  }
}

/** A stream of rows by height, of which all up to one height can be taken. */
export class ByHeight<Row> {
  readonly #rows: AsyncGenerator<Row>;
  readonly #heightOf: (row: Row) => number;
  #next: Row | undefined;
  #isOver = false;

  constructor(rows: AsyncGenerator<Row>, heightOf: (row: Row) => number) {
    this.#rows = rows;
    this.#heightOf = heightOf;
  }

  /** The rows up to `height`, those of it included; each is given once. */
  async *upTo(height: number): AsyncGenerator<Row> {
    for (;;) {
      const row = await this.#peek();
      if (row === undefined || this.#heightOf(row) > height) return;
      this.#next = undefined;
      yield row;
    }
  }

  async #peek(): Promise<Row | undefined> {
    if (this.#next === undefined && !this.#isOver) {
      const { value, done } = await this.#rows.next();
      if (done === true) this.#isOver = true;
      else this.#next = value;
    }
    return this.#next;
  }
}
