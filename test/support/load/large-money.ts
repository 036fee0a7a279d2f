/** What a large pool has paid, and what people wrote: payouts day by day, corrections, accounts, alerts, notices. */

import { UNJUDGED } from "../../../shared/accounting/withholding.ts";
import { json, type Sql, sql } from "../../../shared/db/port.ts";
import {
  ADMINISTRATOR,
  BLOCK_SECONDS,
  FARMER,
  FIRST_HEIGHT,
  hash,
  pastTriggers,
  type Seeding,
} from "./large-seeding.ts";

const DAY_BLOCKS = 86_400 / BLOCK_SECONDS;
/** Payments of one entry. */
const ENTRY_LINES = 60;
/** Newest blocks whose tallies are there. */
const TALLIED = 300;

export async function seedMoney(seeding: Seeding): Promise<void> {
  await seedPayouts(seeding);
  await seedPeople(seeding);
}

/** Once a day everybody was paid what the day had brought. The last list but one is on its way, the last one waits to be signed. */
async function seedPayouts({ db, blocks, start, now }: Seeding): Promise<void> {
  const id = (day: Sql): Sql => sql`substr(md5(${day}::text), 1, 16)`;
  const days = Math.floor((blocks - 2) / DAY_BLOCKS);
  const made = start(sql`((d.day + 1) * ${DAY_BLOCKS}::int)`);
  await pastTriggers(db, [
    sql`CREATE TABLE seed_paid AS
      SELECT q.*, (q.no / ${ENTRY_LINES}::int)::int AS entry FROM (
        SELECT p.*, u.address, (row_number() OVER (PARTITION BY p.day ORDER BY p.name) - 1)::int AS no FROM (
          SELECT (job - ${FIRST_HEIGHT}::int) / ${DAY_BLOCKS}::int AS day, user_name AS name, sum(amount)::bigint AS amount FROM payouts GROUP BY 1, 2) p
        JOIN seed_users u USING (name) WHERE p.amount > 0 AND p.day < ${days}::int) q`,
    sql`INSERT INTO payout_batches (id, digest, state, salt_seconds, source, total, made_at, changed_at)
      SELECT ${id(sql`d.day`)}, ${hash(sql`'digest' || d.day`)}, CASE WHEN d.day = ${days - 1}::int THEN 'prepared' WHEN d.day = ${days - 2}::int THEN 'sending' ELSE 'done' END,
        extract(epoch FROM CASE WHEN d.day = ${days - 1}::int THEN ${now} ELSE ${made} END)::bigint, '', d.total, ${made}, ${made} FROM (SELECT day, sum(amount) AS total FROM seed_paid GROUP BY day) d`,
    sql`INSERT INTO payout_entries (batch, no, entry_hash, raw, state, tx_id, changed_at)
      SELECT ${id(sql`d.day`)}, d.entry, ${hash(sql`'payment' || d.day || '/' || d.entry`)}, 'ab', CASE WHEN d.day = ${days - 2}::int THEN 'revealed' ELSE 'booked' END, 't', ${made}
      FROM (SELECT DISTINCT day, entry FROM seed_paid) d WHERE d.day < ${days - 1}::int`,
    sql`INSERT INTO payout_lines (batch, no, user_name, address, amount, total_owed, total_paid, entry)
      SELECT ${id(sql`d.day`)}, d.no, d.name, d.address, d.amount, d.amount, 0, CASE WHEN d.day < ${days - 1}::int THEN d.entry END FROM seed_paid d`,
    sql`INSERT INTO payments (entry_hash, user_name, address, amount, at)
      SELECT ${hash(sql`'payment' || d.day || '/' || d.entry`)}, d.name, d.address, d.amount, ${made} + interval '1 hour' FROM seed_paid d WHERE d.day < ${days - 2}::int`,
    sql`DROP TABLE seed_paid`,
    sql`INSERT INTO tallies (job, user_name, judged, sent) SELECT p.job, p.user_name, p.work, 1 FROM payouts p WHERE p.job >= ${FIRST_HEIGHT + blocks - TALLIED}::int`,
    sql`INSERT INTO withholding (user_name, through, expected, sent, looks)
      SELECT name, ${FIRST_HEIGHT + blocks}::int, 18446744073709551616 * 10, 10, ${json(UNJUDGED.looks)}::jsonb FROM seed_users`,
    sql`UPDATE withholding_through SET height = ${FIRST_HEIGHT + blocks}::int`,
  ]);
}

async function seedPeople({ db, now }: Seeding): Promise<void> {
  const ago = sql`${now} - n * interval '1 hour'`;
  await pastTriggers(db, [
    sql`INSERT INTO adjustments (user_name, amount, reason, made_by, at) SELECT CASE WHEN n % 10 = 0 THEN ${FARMER} ELSE 'user' || n % 50 END, 1000000, 'thanks', ${ADMINISTRATOR}, ${ago}
      FROM generate_series(1, 500) n`,
    sql`INSERT INTO adjustment_requests (user_name, amount, reason, made_by, request_id) SELECT 'user' || n, 1000, 'a mistake', 'other', 'request-' || n FROM generate_series(1, 20) n`,
    sql`INSERT INTO admin_log (at, actor, action, subject, details) SELECT ${ago}, ${ADMINISTRATOR}, 'adjust', 'user' || n % 50, '{"amount": "1000"}' FROM generate_series(1, 5000) n`,
    sql`INSERT INTO bars (kind, subject, scope, reason, made_by, at, lifted_at) SELECT 'address', '198.51.100.' || n, 'mining', 'a flood', ${ADMINISTRATOR}, ${ago},
      CASE WHEN n > 100 THEN ${now} END FROM generate_series(1, 200) n`,
    sql`INSERT INTO notices (kind, words, made_by, at, begins_at, until, ended_at) SELECT 'announcement', 'The pool moves to another machine', ${ADMINISTRATOR}, ${ago}, ${ago},
      ${now} + interval '1 day', CASE WHEN n > 2 THEN ${now} END FROM generate_series(1, 50) n`,
    sql`INSERT INTO invites (code, created_at, claimed_by, claimed_at, note, made_by) SELECT upper(substr(md5(n::text), 1, 16)), ${ago}, CASE WHEN n % 2 = 0 THEN u.id END,
      CASE WHEN n % 2 = 0 THEN ${ago} END, 'a friend', ${ADMINISTRATOR} FROM generate_series(1, 2000) n, (SELECT min(id) AS id FROM users) u`,
    sql`INSERT INTO sessions (token_hash, user_id, created_at, expires_at) SELECT ${hash(sql`'session' || u.id || '/' || n`)}, u.id, ${now} - interval '1 hour', ${now} + interval '11 hours'
      FROM users u, generate_series(1, 3) n`,
    sql`INSERT INTO login_places (user_id, place, kind, used_ms) SELECT u.id, ${hash(sql`'place' || u.id || '/' || n`)}, CASE WHEN n = 1 THEN 'address' ELSE 'device' END, 0
      FROM users u, generate_series(1, 2) n`,
    sql`INSERT INTO api_tokens (user_id, place, name, token_hash) SELECT u.id, n, 'script ' || n, ${hash(sql`'token' || n`)} FROM users u, generate_series(1, 10) n WHERE u.name = ${FARMER}`,
    sql`INSERT INTO alert_destinations (user_name, kind, target, secret, events) SELECT u.name, 'webhook', 'http://127.0.0.1:9/hook', 'whsec_c2VjcmV0',
      ARRAY['low', 'offline', 'recovered', 'refused', 'payment', 'block', 'login', 'address'] FROM seed_users u`,
  ]);
}
