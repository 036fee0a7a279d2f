/** How each worker does, judged by its own usual week (docs/decisions/worker-states.md). Statistics: no money depends on it. */

import * as v from "valibot";
import { REST_WORKER } from "../messages/summary.ts";
import { instant, ms } from "./instants.ts";
import { type Db, type Sql, sql } from "./port.ts";

export const workerState = v.picklist(["ok", "low", "offline", "recovered"]);
export type WorkerState = v.InferOutput<typeof workerState>;

/** Not judged for longer than this, the database or the janitor was away: silences begin anew, since nothing was heard meanwhile. */
const GAP_MS = 5 * 60_000;
const RECOVERED_MS = 3_600_000;
/** A pause between two blocks is a fifth of a block; this is the shortest silence that tells something. */
const SHORTEST_SILENCE_SECONDS = 300;
/** Of a worker whose usual shares are not known yet. */
const UNKNOWN_SILENCE_SECONDS = 3600;
const LONGEST_SILENCE_SECONDS = 86_400;
/** So many usual gaps between shares: by chance one silence in nine million is as long. */
const SILENT_GAPS = 16;
/** Of the usual rate: what is missing at least where a worker is low. */
const LOW_PART = 0.3;
/** And so many standard deviations of what shares by chance come to. */
const LOW_SIGMA = 5;
/** A low worker is no longer low when less than this part of that is missing: no flapping at the edge. */
const BACK_PART = 0.6;

/**
 * Gives every worker its state at `nowMs` and records what has changed; returns how many did. One statement that reads each worker's row once.
 * `stallMs`: without a new job for so long the pool does not mine, and no state changes. Waits for no worker that is being booked.
 */
export function judgeWorkers(db: Db, nowMs: number, stallMs: number): Promise<number> {
  const now = instant(nowMs);
  const wait = (milliseconds: number): Sql => sql`${milliseconds}::float8 * interval '1 millisecond'`;
  return db.execute(
    sql`WITH watch AS (
      UPDATE worker_watch w SET judged_at = ${now}, since = CASE
        WHEN w.judged_at BETWEEN ${now} - ${wait(GAP_MS)} AND ${now} AND w.since <= ${now}
          AND (SELECT j.created_at FROM jobs j ORDER BY j.height DESC LIMIT 1) > ${now} - ${wait(stallMs)} THEN w.since
        ELSE ${now} END
      RETURNING w.since
    ), looked AS (
      SELECT s.user_name, s.worker, s.state, s.since, s.last_at, s.usual_rate, s.usual_shares,
        extract(epoch FROM ${now} - greatest(s.last_at, w.since))::float8 AS silence,
        s.pace * worker_decay(extract(epoch FROM ${now} - s.pace_at)::float8) AS pace,
        worker_decay(greatest(1, extract(epoch FROM ${now} - greatest(s.up_since, w.since))::float8)) AS before
      FROM worker_status s, watch w WHERE s.worker <> ${REST_WORKER} AND w.since < ${now}
    ), measured AS (
      SELECT l.*, l.silence >= CASE WHEN l.usual_shares > 0
          THEN least(${LONGEST_SILENCE_SECONDS}::float8, greatest(${SHORTEST_SILENCE_SECONDS}::float8, ${SILENT_GAPS}::float8 / l.usual_shares))
          ELSE ${UNKNOWN_SILENCE_SECONDS}::float8 END AS silent,
        CASE WHEN l.usual_rate > 0 AND l.usual_shares > 0 THEN 1 - l.pace / ((1 - l.before) * l.usual_rate) END AS missing,
        CASE WHEN l.usual_shares > 0 THEN greatest(${LOW_PART}::float8,
          ${LOW_SIGMA}::float8 * sqrt((1 + l.before) / ((1 - l.before) * 1800 * l.usual_shares))) END AS most
      FROM looked l
    ), judged AS (
      SELECT m.user_name, m.worker, m.last_at, m.state AS old, CASE
        WHEN m.silent OR m.state = 'offline' AND m.last_at <= m.since THEN 'offline'
        WHEN m.state = 'offline' THEN 'recovered'
        WHEN m.missing > m.most * CASE WHEN m.state = 'low' THEN ${BACK_PART}::float8 ELSE 1 END THEN 'low'
        WHEN m.state = 'low' THEN 'recovered'
        WHEN m.state = 'recovered' AND m.since > ${now} - ${wait(RECOVERED_MS)} THEN 'recovered'
        ELSE 'ok' END AS new
      FROM measured m
    ), due AS MATERIALIZED (
      SELECT * FROM judged WHERE old <> new
    ), free AS MATERIALIZED (
      SELECT s.user_name, s.worker FROM worker_status s JOIN due d ON d.user_name = s.user_name AND d.worker = s.worker FOR UPDATE OF s SKIP LOCKED
    ), changed AS (
      UPDATE worker_status s SET state = d.new, since = CASE WHEN d.new = 'offline' THEN d.last_at ELSE ${now} END,
        up_since = CASE WHEN d.old = 'offline' THEN ${now} ELSE s.up_since END
      FROM due d JOIN free f ON f.user_name = d.user_name AND f.worker = d.worker
      WHERE s.user_name = d.user_name AND s.worker = d.worker AND s.state = d.old
      RETURNING s.user_name, s.worker, s.state, s.since
    )
    INSERT INTO worker_changes (user_name, worker, at, state, since)
      SELECT c.user_name, c.worker, ${now}, c.state, c.since FROM changed c ON CONFLICT DO NOTHING`,
  );
}

/**
 * Learns what is usual for the workers that were learned longest ago, an hour or more, `limit` of them: the median of their hours with a share in the
 * last seven days, where there are three. Outages do not count, and a worker that is silent keeps what it was.
 */
export function learnWorkers(db: Db, nowMs: number, limit: number): Promise<number> {
  const now = instant(nowMs);
  return db.execute(
    sql`WITH due AS (
      SELECT user_name, worker FROM worker_status
      WHERE worker <> ${REST_WORKER} AND last_at > ${now} - interval '2 hours' AND (learned_at IS NULL OR learned_at NOT BETWEEN ${now} - interval '1 hour' AND ${now})
      ORDER BY learned_at NULLS FIRST LIMIT ${limit}::int FOR UPDATE SKIP LOCKED
    )
    UPDATE worker_status s SET usual_rate = u.rate, usual_shares = u.shares, learned_at = ${now}
    FROM due d CROSS JOIN LATERAL (
      SELECT CASE WHEN count(*) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY h.work::float8) / 3600 END AS rate,
        CASE WHEN count(*) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY h.shares::float8) / 3600 END AS shares
      FROM worker_hours h WHERE h.user_name = d.user_name AND h.worker = d.worker AND h.shares > 0
        AND h.hour >= ${now} - interval '7 days' AND h.hour < date_trunc('hour', ${now})
    ) u
    WHERE s.user_name = d.user_name AND s.worker = d.worker`,
  );
}

const changeRow = v.object({ atMs: v.number(), state: workerState, sinceMs: v.number() });

/** `sinceMs`: of an offline worker its last share, otherwise when it was judged so. */
export type WorkerChange = v.InferOutput<typeof changeRow>;

/** Newest first. */
export function workerChanges(db: Db, user: string, worker: string, limit: number): Promise<WorkerChange[]> {
  return db.query(
    sql`SELECT ${ms(sql`at`)} AS "atMs", state, ${ms(sql`since`)} AS "sinceMs" FROM worker_changes
      WHERE user_name = ${user} AND worker_changes.worker = ${worker} ORDER BY at DESC LIMIT ${limit}::int`,
    changeRow,
  );
}
