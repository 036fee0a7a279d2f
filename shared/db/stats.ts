/** What the pool's pages show: bounded reads over indexes and sums per minute, block or worker, never over shares. */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { bigintText, type Db, first, jsonText, one, type Sql, sql } from "./port.ts";

const activityRow = v.object({
  work: bigintText,
  shares: bigintText,
  rejected: bigintText,
  firstMs: v.nullable(v.number()),
  miners: v.number(),
  workers: v.number(),
});

/** Work is in hashes; `firstMs` is the first minute with a share in the window, null without any. */
export type Activity = v.InferOutput<typeof activityRow>;

/**
 * The whole pool from `sinceMs` to `nowMs`, from sums that are kept when shares are booked. Minutes from the future, after a clock was set
 * back, are in no window. Miners and workers are those whose last share came between `onlineMs` and `nowMs`.
 */
export async function poolActivity(
  db: Db,
  window: { readonly sinceMs: number; readonly onlineMs: number; readonly nowMs: number },
): Promise<Activity> {
  const { sinceMs, onlineMs, nowMs } = window;
  return one(
    db,
    sql`SELECT m.work::text AS work, m.shares::text AS shares, m.rejected::text AS rejected, ${ms(sql`m.first`)} AS "firstMs", w.miners, w.workers
      FROM (
        SELECT COALESCE(sum(work), 0) AS work, COALESCE(sum(shares), 0) AS shares, COALESCE(sum(rejected), 0) AS rejected, min(minute) AS first
        FROM pool_minutes WHERE minute BETWEEN ${instant(sinceMs)} AND ${instant(nowMs)}
      ) m, (
        SELECT count(*)::int AS miners, COALESCE(sum(u.workers), 0)::int AS workers FROM (
          SELECT count(*) AS workers FROM workers_seen
          WHERE minute BETWEEN ${instant(onlineMs)} AND ${instant(nowMs)} GROUP BY user_name
        ) u
      ) w`,
    activityRow,
  );
}

const minuteRow = v.object({ minuteMs: v.number(), work: bigintText });

/** Work of the whole pool by minute, oldest first; minutes without work are left out. */
export function poolMinutes(db: Db, sinceMs: number): Promise<{ minuteMs: number; work: bigint }[]> {
  return db.query(
    sql`SELECT ${ms(sql`minute`)} AS "minuteMs", work::text AS work FROM pool_minutes
      WHERE minute >= ${instant(sinceMs)} ORDER BY minute`,
    minuteRow,
  );
}

const currentJobRow = v.object({
  height: v.number(),
  version: v.number(),
  oprHash: v.string(),
  createdAtMs: v.number(),
  ageSeconds: v.number(),
  feeRate: v.string(),
  threshold: bigintText,
  prices: v.pipe(jsonText, v.record(v.string(), bigintText)),
  quotes: v.nullable(jsonText),
  pricesAtMs: v.nullable(v.number()),
});

/** `ageSeconds` is by the database's clock alone; `prices` are 1e-8 USD by asset; `quotes` is the poller's record of them, as it wrote it. */
export type CurrentJob = v.InferOutput<typeof currentJobRow>;

/** Of the newest job, or of that of a height. */
export function currentJob(db: Db, height?: number): Promise<CurrentJob | undefined> {
  return first(
    db,
    sql`SELECT j.height, j.version, j.opr_hash AS "oprHash", ${ms(sql`j.created_at`)} AS "createdAtMs",
      extract(epoch FROM now() - j.created_at)::float8 AS "ageSeconds", j.fee_rate::text AS "feeRate", j.threshold::text AS threshold, j.prices::text AS prices,
      p.quotes::text AS quotes, ${ms(sql`p.at`)} AS "pricesAtMs"
      FROM jobs j LEFT JOIN prices p ON p.id = j.prices_id
      WHERE ${height ?? null}::integer IS NULL OR j.height = ${height ?? null}::integer ORDER BY j.height DESC LIMIT 1`,
    currentJobRow,
  );
}

const blockWithJobRow = v.object({
  height: v.number(),
  version: v.number(),
  keyMr: v.string(),
  atMs: v.number(),
  entries: v.number(),
  graded: v.boolean(),
  winning: v.number(),
  reward: bigintText,
  networkHashrate: v.nullable(v.number()),
  /** Graded entries, and those above the last one that are not ours; null where it was not recorded. */
  gradedEntries: v.nullable(v.number()),
  gradedOthers: v.nullable(v.number()),
  /** Positions of our paid records. */
  places: v.pipe(jsonText, v.array(v.number())),
  /** Paid by the block to all its winners. */
  payouts: bigintText,
  state: v.nullable(v.picklist(["open", "closing", "sealed"])),
  credit: v.nullable(v.picklist(["assigned", "achieved"])),
  shares: v.nullable(bigintText),
  work: v.nullable(bigintText),
  fee: v.nullable(bigintText),
  paid: v.nullable(bigintText),
  carriedIn: v.nullable(bigintText),
  carried: v.nullable(bigintText),
  root: v.nullable(v.string()),
  forced: v.nullable(v.boolean()),
  jobAtMs: v.nullable(v.number()),
  /** When the job after it began. */
  nextJobAtMs: v.nullable(v.number()),
});

/** A graded block with its job. The job's columns are null where the pool had none; its sums are null until it is sealed. */
export type BlockWithJob = v.InferOutput<typeof blockWithJobRow>;

/** `which` chooses from `blocks`, before anything is looked up for them. */
const blocksWithJobs = (
  which: Sql,
): Sql => sql`SELECT b.height, b.version, b.key_mr AS "keyMr", ${ms(sql`b.at`)} AS "atMs", b.entries, b.graded, b.winning,
  b.reward::text AS reward, b.network_hashrate AS "networkHashrate",
  b.graded_entries AS "gradedEntries", b.graded_others AS "gradedOthers",
  p.places, p.payouts,
  j.state, j.credit, j.shares::text AS shares, j.work::text AS work, j.fee::text AS fee, j.paid::text AS paid,
  j.carried_in::text AS "carriedIn", j.carried::text AS carried, j.root, j.forced, ${ms(sql`j.created_at`)} AS "jobAtMs",
  (SELECT ${ms(sql`n.created_at`)} FROM jobs n WHERE n.height > j.height ORDER BY n.height LIMIT 1) AS "nextJobAtMs"
  FROM (SELECT * FROM blocks ${which}) b LEFT JOIN LATERAL (SELECT * FROM jobs WHERE jobs.height = b.height LIMIT 1) j ON true CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(p.position ORDER BY p.position) FILTER (WHERE p.ours AND p.payout > 0), '[]')::text AS places,
      COALESCE(sum(p.payout), 0)::text AS payouts FROM block_places p WHERE p.height = b.height) p
  ORDER BY b.height DESC`;

/** Newest first, those below `before` where it is given. */
export function recentBlocks(db: Db, limit: number, before?: number): Promise<BlockWithJob[]> {
  return db.query(
    blocksWithJobs(
      sql`WHERE height < ${before ?? 0x7fff_ffff}::int ORDER BY height DESC LIMIT ${limit}::int`,
    ),
    blockWithJobRow,
  );
}

export function blockAt(db: Db, height: number): Promise<BlockWithJob | undefined> {
  return first(db, blocksWithJobs(sql`WHERE height = ${height}::int`), blockWithJobRow);
}

const placeRow = v.object({
  position: v.number(),
  entryHash: v.string(),
  difficulty: bigintText,
  payout: bigintText,
  identity: v.string(),
  ours: v.boolean(),
});
export type PlaceSummary = v.InferOutput<typeof placeRow>;

/** The graded records of a block, best grade first (50 at most). */
export function placesOf(db: Db, height: number): Promise<PlaceSummary[]> {
  return db.query(
    sql`SELECT position, entry_hash AS "entryHash", difficulty::text AS difficulty, payout::text AS payout, identity, ours
      FROM block_places WHERE height = ${height}::int ORDER BY position LIMIT 100`,
    placeRow,
  );
}

const submissionRow = v.object({
  entryHash: v.string(),
  height: v.number(),
  oprHash: v.string(),
  nonce: v.string(),
  target: bigintText,
  user: v.string(),
  worker: v.string(),
  edge: v.number(),
  state: v.picklist(["blocked", "pending", "committed", "revealed", "abandoned"]),
  reason: v.nullable(v.string()),
  atMs: v.number(),
});
export type SubmissionSummary = v.InferOutput<typeof submissionRow>;

/** Newest block first and the best target first in it; those of one block where `height` is given, else those below `before`. */
export function recentSubmissions(
  db: Db,
  limit: number,
  which: { height?: number; before?: number } = {},
): Promise<SubmissionSummary[]> {
  const condition =
    which.height === undefined
      ? sql`height < ${which.before ?? 0x7fff_ffff}::int`
      : sql`height = ${which.height}::int`;
  return db.query(
    sql`SELECT entry_hash AS "entryHash", height, opr_hash AS "oprHash", nonce, target::text AS target, user_name AS "user",
      worker, edge, state, reason, ${ms(sql`at`)} AS "atMs"
      FROM submissions WHERE ${condition} ORDER BY height DESC, submissions.target DESC LIMIT ${limit}::int`,
    submissionRow,
  );
}

const markRow = v.object({
  what: v.picklist(["block", "won", "record"]),
  height: v.number(),
  atMs: v.number(),
});
export type BlockMark = Pick<v.InferOutput<typeof markRow>, "height" | "atMs">;

/** The newest graded block, the newest in which this pool won a place, and the newest for which a record of it is on the chain. */
export async function lastMarks(
  db: Db,
): Promise<{ readonly block?: BlockMark; readonly won?: BlockMark; readonly record?: BlockMark }> {
  const rows = await db.query(
    sql`(SELECT 'block' AS what, height, ${ms(sql`at`)} AS "atMs" FROM blocks ORDER BY height DESC LIMIT 1)
      UNION ALL (SELECT 'won', height, ${ms(sql`at`)} FROM blocks WHERE winning > 0 ORDER BY height DESC LIMIT 1)
      UNION ALL (SELECT 'record', j.height, ${ms(sql`j.created_at`)} FROM jobs j
        WHERE EXISTS (SELECT 1 FROM submissions s WHERE s.height = j.height AND s.state = 'revealed') ORDER BY j.height DESC LIMIT 1)`,
    markRow,
  );
  return Object.fromEntries(rows.map(({ what, ...mark }) => [what, mark]));
}
