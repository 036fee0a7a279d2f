/** A large pool's statistics, kept 30 days at most: minutes and hours of rigs and users, states and what changed them, refused shares. */

import { sql } from "../../../shared/db/port.ts";
import { FARMER, pastTriggers, type Seeding } from "./large-seeding.ts";

/** What the longest window of minutes reads of every rig. */
const MINUTES = 70;
const DAY_MINUTES = 1440;
const MONTH_HOURS = 720;
/** Hours of which what is usual is learned. */
const WEEK_HOURS = 168;
/** Rigs of the farm whose whole day and month are there. */
const WHOLE_RIGS = 20;

export async function seedRigs({ db, now }: Seeding): Promise<void> {
  const minute = sql`date_trunc('minute', ${now}) - m * interval '1 minute'`;
  const hour = sql`date_trunc('hour', ${now}) - h * interval '1 hour'`;
  const whole = sql`r."user" = ${FARMER} AND r.no < ${WHOLE_RIGS}::int`;
  // Of a hundred rigs 3 are offline, 2 low, 1 has recovered; which ones is the same at every run.
  const luck = sql`(hashtext(r."user" || r.rig) & 1023) % 100`;
  await pastTriggers(db, [
    sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected)
      SELECT r."user", r.rig, ${minute}, 6, floor(r.rate * 60), (m % 20 = 0)::int FROM seed_rigs r, generate_series(0, ${MINUTES}::int) m`,
    sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected)
      SELECT r."user", r.rig, ${minute}, 6, floor(r.rate * 60), 0 FROM seed_rigs r, generate_series(${MINUTES + 1}::int, ${DAY_MINUTES}::int) m WHERE ${whole}`,
    sql`INSERT INTO worker_hours (user_name, worker, hour, shares, work, rejected)
      SELECT r."user", r.rig, ${hour}, 360, floor(r.rate * 3600), 3 FROM seed_rigs r, generate_series(0, ${WEEK_HOURS}::int) h`,
    sql`INSERT INTO worker_hours (user_name, worker, hour, shares, work, rejected)
      SELECT r."user", r.rig, ${hour}, 360, floor(r.rate * 3600), 3 FROM seed_rigs r, generate_series(${WEEK_HOURS + 1}::int, ${MONTH_HOURS}::int) h WHERE ${whole}`,
    sql`INSERT INTO user_minutes (user_name, minute, shares, work, rejected, own_shares, own_rejected)
      SELECT u.name, ${minute}, 6 * u.rigs, floor(u.rate * 60), u.rigs / 20, 6 * u.rigs, u.rigs / 20
      FROM seed_users u, generate_series(0, CASE WHEN u.name = ${FARMER} THEN 60 * ${MONTH_HOURS}::int ELSE ${DAY_MINUTES}::int END) m`,
    sql`INSERT INTO pool_minutes (minute, shares, work, rejected)
      SELECT ${minute}, t.rigs * 6, floor(t.rate * 60), t.rigs / 20 FROM (SELECT count(*) AS rigs, sum(rate) AS rate FROM seed_rigs) t,
        generate_series(0, 60 * ${MONTH_HOURS}::int) m`,
    sql`INSERT INTO workers_seen (user_name, worker, minute)
      SELECT r."user", r.rig, date_trunc('minute', ${now}) - CASE WHEN ${luck} < 3 THEN interval '2 hours' ELSE interval '0' END FROM seed_rigs r`,
    sql`INSERT INTO workers (user_name, worker, state) SELECT r."user", r.rig, 'own' FROM seed_rigs r`,
    sql`INSERT INTO workers (user_name, worker, state) SELECT ${FARMER}, 'stranger-' || n, 'waiting' FROM generate_series(1, 64) n`,
    sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, usual_rate, usual_shares, learned_at,
        state, since, up_since, hidden_at)
      SELECT s."user", s.rig, ${now} - interval '29 days', s.last, j.height, s.rate * CASE WHEN s.luck IN (3, 4) THEN 0.4 ELSE 1 END, s.last,
        18446744073709551000, j.height, s.rate, 0.1, ${now} - (s.no % 60) * interval '1 minute',
        CASE WHEN s.luck < 3 THEN 'offline' WHEN s.luck < 5 THEN 'low' WHEN s.luck = 5 THEN 'recovered' ELSE 'ok' END,
        CASE WHEN s.luck < 3 THEN s.last ELSE ${now} - interval '30 minutes' END, ${now} - interval '3 days', CASE WHEN s.luck = 0 THEN s.last END
      FROM (SELECT r.*, l.luck, ${now} - CASE WHEN l.luck < 3 THEN interval '2 hours' ELSE interval '10 seconds' END AS last
        FROM seed_rigs r, LATERAL (SELECT ${luck} AS luck) l) s, (SELECT max(height) AS height FROM jobs) j`,
    sql`INSERT INTO worker_changes (user_name, worker, at, state, since)
      SELECT r."user", r.rig, ${now} - c * interval '2 days', CASE c % 3 WHEN 0 THEN 'offline' WHEN 1 THEN 'recovered' ELSE 'low' END,
        ${now} - c * interval '2 days' FROM seed_rigs r, generate_series(1, 10) c`,
    sql`INSERT INTO worker_refused (user_name, worker, hour, reason, shares)
      SELECT r."user", r.rig, ${hour}, e.reason, 2 FROM seed_rigs r, generate_series(0, ${WEEK_HOURS}::int) h, unnest(ARRAY['stale', 'duplicate']) e(reason)
      WHERE r.no % 10 = h % 10`,
    sql`UPDATE worker_watch SET judged_at = ${now} - interval '50 seconds', since = ${now} - interval '10 days'`,
  ]);
}
