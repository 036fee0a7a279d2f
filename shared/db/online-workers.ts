/** The pool's rigs of the last minutes, page by page. */

import * as v from "valibot";
import { REST_WORKER } from "../messages/summary.ts";
import { instant, ms } from "./instants.ts";
import { bigintText, type Db, type Sql, sql } from "./port.ts";

const onlineWorker = v.object({
  user: v.string(),
  worker: v.string(),
  work: bigintText,
  shares: bigintText,
  rejected: bigintText,
  firstMs: v.number(),
  lastMs: v.number(),
});
/** Of a list without workers on the page there is a row with its length alone. */
const listRow = v.union([
  v.object({ ...onlineWorker.entries, total: v.number() }),
  v.object({ user: v.null(), total: v.number() }),
]);
export type OnlineWorker = v.InferOutput<typeof onlineWorker>;

export interface OnlineQuery {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly limit: number;
  /** How many are passed over. */
  readonly from?: number;
  /** In one of their names, whatever the case. */
  readonly search?: string;
}

export interface OnlineWorkers {
  /** Of one page. */
  readonly workers: readonly OnlineWorker[];
  /** Of all pages. */
  readonly total: number;
}

/**
 * Workers with a share, taken or refused, in that time: first those of whom a share was taken, the most work first. Pages go by the pace of the
 * last quarter of an hour, since to add up the minutes of all takes long. Two statements, so that neither takes long where there are many.
 */
export async function onlineWorkers(db: Db, query: OnlineQuery): Promise<OnlineWorkers> {
  const { from = 0, limit } = query;
  const accepted = await pageOf(db, acceptedOf(query), query, { from, limit });
  const rest = {
    from: Math.max(0, from - accepted.total),
    limit: limit - accepted.workers.length,
  };
  const refused = await pageOf(db, refusedOf(query), query, rest);
  return {
    workers: [...accepted.workers, ...refused.workers],
    total: accepted.total + refused.total,
  };
}

async function pageOf(
  db: Db,
  list: Sql,
  { sinceMs, nowMs }: OnlineQuery,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<OnlineWorkers> {
  const rows = await db.query(
    sql`WITH listed AS MATERIALIZED (${list}), page AS (
      SELECT user_name, worker FROM listed ORDER BY pace DESC, user_name, worker LIMIT ${limit}::int OFFSET ${from}::int
    ), heard AS (
      SELECT p.user_name, p.worker, m.* FROM page p CROSS JOIN LATERAL (
        SELECT sum(m.work) AS work, sum(m.shares) AS shares, sum(m.rejected) AS rejected, min(m.minute) AS first, max(m.minute) AS last
        FROM worker_minutes m WHERE m.user_name = p.user_name AND m.worker = p.worker AND m.minute BETWEEN ${instant(sinceMs)} AND ${instant(nowMs)}
        HAVING count(*) > 0
      ) m
    )
    SELECT t.total, h.user_name AS "user", h.worker, h.work::text AS work, h.shares::text AS shares, h.rejected::text AS rejected,
      ${ms(sql`h.first`)} AS "firstMs", ${ms(sql`h.last`)} AS "lastMs"
    FROM (SELECT count(*)::int AS total FROM listed) t LEFT JOIN heard h ON true ORDER BY h.work DESC, h.user_name, h.worker`,
    listRow,
  );
  return { workers: rows.flatMap((row) => (row.user === null ? [] : row)), total: rows[0]?.total ?? 0 };
}

const isFound = (search: string): Sql =>
  sql`(${search}::text = '' OR position(lower(${search}::text) IN lower(s.user_name)) > 0 OR position(lower(${search}::text) IN lower(s.worker)) > 0)`;

/** By their status. */
const acceptedOf = ({ sinceMs, nowMs, search = "" }: OnlineQuery): Sql =>
  sql`SELECT s.user_name, s.worker, s.pace * worker_decay(date_part('epoch', ${instant(nowMs)} - s.pace_at)) AS pace
    FROM worker_status s WHERE s.last_at >= ${instant(sinceMs)} AND ${isFound(search)}`;

/** Of whom shares were refused and none was taken: whoever had one refused in these hours, and has no newer status but a minute in that time. */
const refusedOf = ({ sinceMs, nowMs, search = "" }: OnlineQuery): Sql =>
  sql`SELECT s.user_name, s.worker, 0 AS pace FROM (
      WITH refused AS MATERIALIZED (
        SELECT DISTINCT user_name, worker FROM worker_refused WHERE hour >= date_trunc('hour', ${instant(sinceMs)}, 'UTC'))
      SELECT * FROM refused UNION SELECT user_name, ${REST_WORKER} FROM refused
    ) s CROSS JOIN LATERAL (
      SELECT 1 AS seen FROM worker_minutes m
      WHERE m.user_name = s.user_name AND m.worker = s.worker AND m.minute BETWEEN ${instant(sinceMs)} AND ${instant(nowMs)} LIMIT 1
    ) m WHERE ${isFound(search)}
      AND ((SELECT a.last_at FROM worker_status a WHERE a.user_name = s.user_name AND a.worker = s.worker) >= ${instant(sinceMs)}) IS NOT TRUE`;
