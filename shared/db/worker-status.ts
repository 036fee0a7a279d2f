/** A user's workers, page by page, and the user's own sums: kept when shares are booked (0070_worker_status.sql), so that no page adds up minutes. */

import * as v from "valibot";
import { REST_WORKER } from "../messages/summary.ts";
import { bigintText, type Db, jsonText, one, type Sql, sql } from "./port.ts";

const ms = (column: Sql): Sql => sql`extract(epoch FROM ${column})::float8 * 1000`;
const instant = (unixMs: number): Sql => sql`to_timestamp(${unixMs}::float8 / 1000)`;

const userActivityRow = v.object({
  longWork: bigintText,
  shortWork: bigintText,
  firstMs: v.nullable(v.number()),
  shares: bigintText,
  rejected: bigintText,
  ownShares: bigintText,
  ownRejected: bigintText,
});

/** Sums over the long window of all of a user's workers, hashes and shares; `own…` of those that it has confirmed. */
export type UserActivity = v.InferOutput<typeof userActivityRow>;

export interface Windows {
  readonly longMs: number;
  readonly shortMs: number;
  readonly nowMs: number;
}

export function userActivity(
  db: Db,
  user: string,
  { longMs, shortMs, nowMs }: Windows,
): Promise<UserActivity> {
  return one(
    db,
    sql`SELECT COALESCE(sum(work), 0)::text AS "longWork",
      COALESCE(sum(work) FILTER (WHERE minute >= ${instant(shortMs)}), 0)::text AS "shortWork", ${ms(sql`min(minute)`)} AS "firstMs",
      COALESCE(sum(shares), 0)::text AS shares, COALESCE(sum(rejected), 0)::text AS rejected,
      COALESCE(sum(own_shares), 0)::text AS "ownShares", COALESCE(sum(own_rejected), 0)::text AS "ownRejected"
      FROM user_minutes WHERE user_name = ${user} AND minute BETWEEN ${instant(longMs)} AND ${instant(nowMs)}`,
    userActivityRow,
  );
}

/** Hidden by its owner, and silent since. */
const isHidden = sql`(s.hidden_at IS NOT NULL AND s.last_at <= s.hidden_at)`;
const isRest = sql`s.worker = ${REST_WORKER}`;

const countsRow = v.object({ shown: v.number(), online: v.number(), hidden: v.number() });

/** `shown` and `online` leave out the hidden ones and the rest row. */
export type WorkerCounts = v.InferOutput<typeof countsRow>;

/** `onlineMs`: a share since then makes a worker online. */
export function workerCounts(db: Db, user: string, onlineMs: number): Promise<WorkerCounts> {
  return one(
    db,
    sql`SELECT count(*) FILTER (WHERE NOT ${isHidden})::int AS shown,
      count(*) FILTER (WHERE NOT ${isHidden} AND s.last_at >= ${instant(onlineMs)})::int AS online,
      count(*) FILTER (WHERE ${isHidden})::int AS hidden
      FROM worker_status s WHERE s.user_name = ${user} AND NOT ${isRest}`,
    countsRow,
  );
}

const workerRow = v.object({
  worker: v.string(),
  /** See 0056_worker_names.sql; `rest`: all workers that have no row of their own. */
  kind: v.picklist(["own", "new", "rest"]),
  hidden: v.boolean(),
  /** The newest job it worked for. */
  lastJob: v.number(),
  /** The end of the last window with an accepted share. */
  lastMs: v.number(),
  longWork: bigintText,
  shortWork: bigintText,
  shares: bigintText,
  rejected: bigintText,
  firstMs: v.nullable(v.number()),
  dayWork: bigintText,
  /** Its first hour in the day's window. */
  dayFirstMs: v.nullable(v.number()),
  /** Pairs of a minute since 1970 and its work. */
  minutes: v.pipe(jsonText, v.array(v.tuple([v.number(), bigintText]))),
});

/** Sums over the long window; `firstMs` is its first minute with a share. */
export type WorkerSummary = v.InferOutput<typeof workerRow>;

/** Which of a user's workers. */
export interface WorkerFilter {
  /** A part of the name, without regard to case; "": every name. */
  readonly search: string;
  readonly hidden: boolean;
}

export interface WorkerPage extends WorkerFilter {
  readonly from: number;
  readonly limit: number;
}

export interface WorkerWindows extends Windows {
  /** A whole hour. */
  readonly dayMs: number;
  /** A share since then makes a worker online. */
  readonly onlineMs: number;
}

const isFound = ({ search, hidden }: WorkerFilter): Sql =>
  sql`${isHidden} = ${hidden}::boolean AND (${search}::text = '' OR strpos(lower(s.worker), lower(${search}::text)) > 0)`;

/** How many there are. */
export async function countWorkers(db: Db, user: string, filter: WorkerFilter): Promise<number> {
  const row = await one(
    db,
    sql`SELECT count(*)::int AS total FROM worker_status s WHERE s.user_name = ${user} AND ${isFound(filter)}`,
    v.object({ total: v.number() }),
  );
  return row.total;
}

/** The owner's own first, then new names, then the rest row; in each group those that work before those that do not, by name. */
export function workersOf(
  db: Db,
  user: string,
  page: WorkerPage,
  windows: WorkerWindows,
): Promise<WorkerSummary[]> {
  const { longMs, shortMs, dayMs, onlineMs, nowMs } = windows;
  return db.query(
    sql`WITH page AS (
      SELECT s.worker, s.last_job, s.last_at, ${isHidden} AS hidden, s.last_at >= ${instant(onlineMs)} AS online,
        CASE WHEN ${isRest} THEN 3 WHEN n.state = 'own' THEN 1 ELSE 2 END AS rank
      FROM worker_status s LEFT JOIN workers n ON n.user_name = s.user_name AND n.worker = s.worker
      WHERE s.user_name = ${user} AND ${isFound(page)}
      ORDER BY rank, online DESC, s.worker OFFSET ${page.from}::int LIMIT ${page.limit}::int
    )
    SELECT p.worker, CASE p.rank WHEN 1 THEN 'own' WHEN 2 THEN 'new' ELSE 'rest' END AS kind, p.hidden, p.last_job AS "lastJob",
      ${ms(sql`p.last_at`)} AS "lastMs", s."longWork", s."shortWork", s.shares, s.rejected, s."firstMs", d."dayWork", d."dayFirstMs", s.minutes
    FROM page p CROSS JOIN LATERAL (
      SELECT COALESCE(sum(m.work), 0)::text AS "longWork",
        COALESCE(sum(m.work) FILTER (WHERE m.minute >= ${instant(shortMs)}), 0)::text AS "shortWork",
        COALESCE(sum(m.shares), 0)::text AS shares, COALESCE(sum(m.rejected), 0)::text AS rejected, ${ms(sql`min(m.minute)`)} AS "firstMs",
        COALESCE(jsonb_agg(jsonb_build_array((extract(epoch FROM m.minute) / 60)::int, m.work::text)), '[]')::text AS minutes
      FROM worker_minutes m
      WHERE m.user_name = ${user} AND m.worker = p.worker AND m.minute BETWEEN ${instant(longMs)} AND ${instant(nowMs)}
    ) s CROSS JOIN LATERAL (
      SELECT COALESCE(sum(h.work), 0)::text AS "dayWork", ${ms(sql`min(h.hour)`)} AS "dayFirstMs"
      FROM worker_hours h WHERE h.user_name = ${user} AND h.worker = p.worker AND h.hour BETWEEN ${instant(dayMs)} AND ${instant(nowMs)}
    ) d ORDER BY p.rank, p.online DESC, p.worker`,
    workerRow,
  );
}

/** The owner does not want to see it until it works again, or does again. False where it has no such worker. */
export async function hideWorker(db: Db, user: string, worker: string, hide: boolean): Promise<boolean> {
  const changed = await db.execute(
    sql`UPDATE worker_status SET hidden_at = CASE WHEN ${hide}::boolean THEN greatest(clock_timestamp(), last_at) END
      WHERE user_name = ${user} AND worker_status.worker = ${worker}`,
  );
  return changed > 0;
}
