/**
 * The books of a pool that has run for long: many users, rigs and sealed blocks, one user with a farm. Written past the triggers as the pool's own
 * statements would have left them, but for the newest two blocks, which are booked and sealed for real, so that their proofs hold.
 */

import { createSealer } from "../../../functions/accounting/sealer.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type Db, json, type Sql, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addressOf } from "../accounts.ts";
import { seedPrices } from "../seed-pool.ts";
import { seedChain } from "./large-chain.ts";
import { seedMoney } from "./large-money.ts";
import { seedRigs } from "./large-rigs.ts";
import {
  ADMINISTRATOR,
  BLOCK_SECONDS,
  FARMER,
  FIRST_HEIGHT,
  hash,
  type LargePoolOptions,
  pastTriggers,
  type Seeding,
} from "./large-seeding.ts";

/** The newest blocks, in which every rig has a row of its own: a day. */
const DAY_BLOCKS = 144;
/** Before those, back to here, some of the farm's rigs have. */
const FARM_BLOCKS = 1000;
const FARM_ROWS = 200;

/** Heights of the newest sealed block and of the running one. */
export interface LargePool {
  readonly sealed: number;
  readonly running: number;
}

export async function seedLargePool(db: Db, options: LargePoolOptions): Promise<LargePool> {
  const { nowMs, blocks } = options;
  const now = sql`to_timestamp(${nowMs}::float8 / 1000)`;
  const start = (n: Sql): Sql =>
    sql`(${now} - (${blocks}::int - (${n}) + 0.5) * ${BLOCK_SECONDS}::int * interval '1 second')`;
  const seeding: Seeding = { ...options, db, now, start };
  await seedUsers(seeding);
  const pricesId = await seedPrices(db, nowMs);
  await seedBooks(seeding, pricesId);
  await seedChain(seeding);
  await seedRigs(seeding);
  await seedMoney(seeding);
  const sealed = FIRST_HEIGHT + blocks - 1;
  await sealForReal(seeding, pricesId, sealed);
  await pastTriggers(db, [sql`DROP TABLE seed_rigs, seed_users, seed_totals`]);
  await db.execute(sql`VACUUM ANALYZE`);
  return { sealed, running: sealed + 1 };
}

/** How many rigs each user has: the farm's first, then fewer and fewer, one at least. */
export function rigsOf({ rigs, farm, users }: Pick<LargePoolOptions, "rigs" | "farm" | "users">): number[] {
  const weights = Array.from({ length: users - 1 }, (_, i) => 1 / (i + 3));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const spare = rigs - farm - (users - 1);
  const others = weights.map((weight) => 1 + Math.floor((spare * weight) / whole));
  const left = rigs - farm - others.reduce((sum, one) => sum + one, 0);
  return [farm, ...others.map((one, i) => (i < left ? one + 1 : one))];
}

/** Users came to the pool one after the other, ever faster. */
async function seedUsers(seeding: Seeding): Promise<void> {
  const { db, users, blocks, password, start, now } = seeding;
  const rows = rigsOf(seeding).map((rigs, i) => ({
    ...{ name: `user${i}`, address: addressOf(`user${i}`), rigs },
    joined: Math.floor((blocks - 2) * Math.sqrt(i / users)),
  }));
  await pastTriggers(db, [
    sql`CREATE TABLE seed_users AS SELECT r.*, 0::float8 AS rate FROM jsonb_to_recordset(${json(rows)}::jsonb)
      AS r(name text, address text, rigs int, joined int)`,
    sql`CREATE TABLE seed_rigs AS SELECT u.name AS "user", 'rig-' || lpad(r::text, 4, '0') AS rig, r AS no, u.joined,
        20000 * (0.5 + (hashtext(u.name || '/' || r) & 1023) / 1024.0)::float8 AS rate
      FROM seed_users u, generate_series(0, u.rigs - 1) r`,
    sql`UPDATE seed_users u SET rate = r.rate FROM (SELECT "user", sum(rate) AS rate FROM seed_rigs GROUP BY 1) r WHERE r."user" = u.name`,
    sql`CREATE TABLE seed_totals AS SELECT n, sum(u.rate) AS rate FROM generate_series(0, ${blocks - 1}::int) n
      JOIN seed_users u ON u.joined <= n GROUP BY n`,
    sql`INSERT INTO users (name, payout_address, password, created_at)
      SELECT name, address, CASE WHEN name = ${FARMER} THEN ${password} END, ${start(sql`joined`)} FROM seed_users`,
    sql`INSERT INTO users (name, password, is_admin, created_at) VALUES (${ADMINISTRATOR}, ${password}, true, ${now} - interval '90 days')`,
  ]);
}

/** Jobs, blocks, and what each user and rig did in them: 6 shares a minute and rig. */
async function seedBooks(seeding: Seeding, pricesId: bigint): Promise<void> {
  const { db, blocks, start } = seeding;
  // The last block is sealed for real.
  const all = sql`generate_series(0, ${blocks - 2}::int) n`;
  const reward = sql`(n * 7919 % 26) * 36000000000::bigint`;
  const height = sql`${FIRST_HEIGHT}::int + n`;
  const work = (rate: Sql): Sql => sql`floor(${rate} * ${BLOCK_SECONDS}::int)::numeric`;
  await pastTriggers(db, [
    sql`INSERT INTO payouts (job, attempt, user_name, shares, work, amount, rejected)
      SELECT ${height}, 'a', u.name, u.rigs * 60, ${work(sql`u.rate`)}, floor(${reward} * 0.95 * u.rate / t.rate)::bigint, u.rigs
      FROM ${all} JOIN seed_totals t USING (n) JOIN seed_users u ON u.joined <= n`,
    sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, prices_id, threshold, fee_rate, split, credit, created_at, state, sealed_at,
        forced, winning, shares, work, reward, carried_in, fee, paid, carried, root, attempt)
      SELECT ${height}, 5, ${hash(sql`'opr' || n`)}, ''::bytea, p.prices, p.id, 0, 0.05, 'largest-remainder', 'assigned',
        ${start(sql`n`)}, 'sealed', ${start(sql`n + 1`)} + interval '20 seconds', false, n * 7919 % 26, s.shares, s.work, ${reward}, 0,
        floor(${reward} * 0.05), s.paid, ${reward} - floor(${reward} * 0.05) - s.paid, ${hash(sql`'root' || n`)}, 'a'
      FROM ${all} JOIN prices p ON p.id = ${pricesId}::bigint
      CROSS JOIN LATERAL (SELECT sum(shares) AS shares, sum(work) AS work, sum(amount) AS paid FROM payouts WHERE job = ${height}) s`,
    sql`INSERT INTO work (job, user_name, worker, shares, work, best, rejected)
      SELECT ${height}, u.name, 'rig-0000', u.rigs * 60, ${work(sql`u.rate`)}, 18446744073709551000, u.rigs
      FROM ${all} JOIN seed_users u ON u.joined <= n
      WHERE n < ${blocks - DAY_BLOCKS}::int AND (u.name <> ${FARMER} OR n < ${blocks - FARM_BLOCKS}::int)`,
    sql`INSERT INTO work (job, user_name, worker, shares, work, best, rejected)
      SELECT ${height}, r."user", r.rig, 60, ${work(sql`r.rate`)}, 18446744073709551000, 1
      FROM ${all} JOIN seed_rigs r ON r.joined <= n
      WHERE n >= ${blocks - DAY_BLOCKS}::int OR (r."user" = ${FARMER} AND n >= ${blocks - FARM_BLOCKS}::int AND r.no < ${FARM_ROWS}::int)`,
    sql`INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job, applied_at, folded, dropped)
      SELECT ${height}, s, 1, q, ${hash(sql`n || '/' || s || '/' || q`)}, CASE WHEN n >= ${blocks - DAY_BLOCKS}::int THEN '{}' END, ${height},
        ${start(sql`n`)} + q * interval '1 minute', '{}', '{}' FROM ${all}, generate_series(0, 3) s, generate_series(0, 4) q`,
    sql`INSERT INTO close_markers (job, slot, epoch, last_seq, at) SELECT ${height}, s, 1, 4, ${start(sql`n + 1`)} FROM ${all}, generate_series(0, 3) s`,
    sql`INSERT INTO archive_files (no, height, part, is_last, deltas, last_job, last_slot, last_epoch, last_seq, bytes, sha256, keys_sha256, chain, at)
      SELECT n + 1, ${height}, 0, true, 20, ${height}, 3, 1, 4, 90000, ${hash(sql`'file' || n`)}, ${hash(sql`'keys' || n`)},
        ${hash(sql`'chain' || n`)}, ${start(sql`n + 1`)} FROM ${all} WHERE n < ${blocks}::int * 6 / 10`,
  ]);
}

/** The newest block by the pool's own statements, and the job that runs. */
async function sealForReal(seeding: Seeding, pricesId: bigint, height: number): Promise<void> {
  const { db, nowMs, blocks, start } = seeding;
  const wallMs = (): number => nowMs;
  const sealer = createSealer({ deadlineMs: 1 }, { db, logger: SILENT, clock: { ...systemClock, wallMs } });
  for (const n of [blocks - 1, blocks]) {
    const at = FIRST_HEIGHT + n;
    await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, prices_id, threshold, fee_rate, split, credit, created_at)
      SELECT ${at}::int, 5, ${hash(sql`${`opr${n}`}::text`)}, ''::bytea, prices, id, 0, 0.05, 'largest-remainder', 'assigned',
        ${start(sql`${n}::int`)} FROM prices WHERE id = ${pricesId}::bigint`);
    await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best, rejected)
      SELECT ${at}::int, "user", rig, 60, floor(rate * ${BLOCK_SECONDS}::int), 18446744073709551000, 1 FROM seed_rigs`);
  }
  await db.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, network_hashrate, winning, reward, graded_entries, graded_others)
    VALUES (${height}::int, 5, ${hash(sql`'block'::text`)}, ${start(sql`${blocks}::int`)}, 62, true, '[]', 1e9, 5, 180000000000, 50, 40)`);
  await db.execute(
    sql`INSERT INTO close_markers (job, slot, epoch, last_seq) SELECT ${height}::int, slot, epoch, -1 FROM edge_epochs`,
  );
  const sealed = await sealer.run();
  if (sealed.length !== 1) throw new Error(`${sealed.length} blocks were sealed for real, expected 1`);
}
