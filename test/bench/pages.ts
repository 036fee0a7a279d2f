/**
 * Milliseconds of the statements that the pages ask for, with an hour of minutes of many workers and as many blocks, each with its payouts to
 * one user. `node test/bench/pages.ts [workers and blocks]`, 10,000 where not given.
 */

import { type Db, sql } from "../../shared/db/port.ts";
import { poolActivity, poolMinutes, recentBlocks } from "../../shared/db/stats.ts";
import { balanceOf } from "../../shared/db/user-stats.ts";
import { withDatabase } from "../support/load/database.ts";
import { quantile } from "./figures.ts";

const COUNT = Number(process.argv[2] ?? 10_000);
const ROUNDS = 40;
const MINUTE_MS = 60_000;

async function fill(db: Db, nowMs: number): Promise<void> {
  const minutes = sql`generate_series(date_trunc('minute', to_timestamp(${nowMs}::float8 / 1000)) - interval '60 minutes', to_timestamp(${nowMs}::float8 / 1000), interval '1 minute')`;
  await db.execute(sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, ${COUNT}::int) n`);
  for (let from = 0; from < COUNT; from += 1000) {
    await db.execute(sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected)
      SELECT 'user' || n / 4, 'rig' || n, m, 5, 5 * 65536, 1 FROM ${minutes} m, generate_series(${from}::int, ${Math.min(from + 1000, COUNT) - 1}::int) n`);
  }
  await db.execute(
    sql`INSERT INTO pool_minutes SELECT minute, sum(shares), sum(work), sum(rejected) FROM worker_minutes GROUP BY minute`,
  );
  await db.execute(
    sql`INSERT INTO workers_seen SELECT user_name, worker, max(minute) FROM worker_minutes GROUP BY user_name, worker`,
  );
  await db.transaction(async (tx) => {
    await tx.execute({ text: "SET LOCAL session_replication_role = replica", values: [] });
    await tx.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, state, created_at, shares, work, reward, carried_in,
        fee, paid, carried, root, attempt, winning, forced)
      SELECT n, 5, '', '', '{}', 0, 0.05, 'largest-remainder', 'assigned', 'sealed', now() - (${COUNT}::int - n) * interval '10 minutes', 1, 1, 100, 0, 5, 95, 0, 'r', 'a', 1, false
      FROM generate_series(1, ${COUNT}::int) n`);
    await tx.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward, network_hashrate)
      SELECT n, 5, 'k' || n, now(), 30, true, '[]', 1, 100, 1e6 FROM generate_series(1, ${COUNT}::int) n`);
    await tx.execute(sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
      SELECT n, p, 'e', 1, CASE WHEN p < 25 THEN 100 ELSE 0 END, 'i', p = 1 FROM generate_series(1, ${COUNT}::int) n, generate_series(1, 50) p`);
    await tx.execute(sql`INSERT INTO payouts (job, attempt, user_name, shares, work, amount)
      SELECT n, 'a', 'user0', 1, 1, 95 FROM generate_series(1, ${COUNT}::int) n`);
  });
  await db.execute(sql`VACUUM ANALYZE`);
}

async function measure(name: string, ask: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    await ask();
    times.push(performance.now() - began);
  }
  const at = (part: number): string => quantile(times, part).toFixed(1);
  console.log(`${name}: median ${at(0.5)} ms, p95 ${at(0.95)} ms`);
}

await withDatabase(async (db) => {
  const nowMs = Date.now();
  await fill(db, nowMs);
  const windowStart = (ms: number): number => Math.floor((nowMs - ms) / MINUTE_MS) * MINUTE_MS;
  console.log(`${COUNT} workers with an hour of minutes, ${COUNT} blocks`);
  const window = { sinceMs: windowStart(10 * MINUTE_MS), onlineMs: nowMs - 5 * MINUTE_MS, nowMs };
  await measure("poolActivity", () => poolActivity(db, window));
  await measure("poolMinutes", () => poolMinutes(db, windowStart(60 * MINUTE_MS)));
  await measure("recentBlocks(12)", () => recentBlocks(db, 12));
  await measure("recentBlocks(144)", () => recentBlocks(db, 144));
  await measure("balanceOf", () => balanceOf(db, "user0"));
});
