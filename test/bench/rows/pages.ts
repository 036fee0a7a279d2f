/** The statements that pages ask of the database, each by itself, beside many workers and blocks. */

import { type Db, sql } from "../../../shared/db/port.ts";
import { poolActivity, poolMinutes, recentBlocks } from "../../../shared/db/stats.ts";
import { balanceOf } from "../../../shared/db/user-stats.ts";
import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { openBooks } from "../books.ts";
import { quantile } from "../figures.ts";
import type { Room } from "../room.ts";

const SIZES = [1_000, 10_000, 100_000];
/** So many times as small. */
const QUICK = 100;
const TIMES = 200;
const QUICK_TIMES = 20;
const MINUTE_MS = 60_000;
/** What the longest window of a pool's figures reads. */
const HOUR_MINUTES = 60;
/** Workers' own minutes, of the window that says who is there. */
const WORKER_MINUTES = 10;
const WORKERS_PER_USER = 4;

/** So many workers, each with a share a minute, and as many sealed blocks, each with a payout to one user. */
async function fill(db: Db, count: number, nowMs: number): Promise<void> {
  const now = sql`date_trunc('minute', to_timestamp(${nowMs}::float8 / 1000))`;
  const workers = sql`generate_series(0, ${count - 1}::int) n`;
  const blocks = sql`generate_series(1, ${count}::int) n`;
  const user = sql`'user' || n / ${WORKERS_PER_USER}::int`;
  await db.execute(sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, ${count}::int) n`);
  await db.execute(sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected)
    SELECT ${user}, 'rig' || n, ${now} - m * interval '1 minute', 1, 65536, 0 FROM generate_series(0, ${WORKER_MINUTES}::int) m, ${workers}`);
  await db.execute(sql`INSERT INTO pool_minutes (minute, shares, work, rejected)
    SELECT ${now} - m * interval '1 minute', ${count}::int, ${count}::int * 65536::numeric, 0 FROM generate_series(0, ${HOUR_MINUTES}::int) m`);
  await db.execute(
    sql`INSERT INTO workers_seen (user_name, worker, minute) SELECT ${user}, 'rig' || n, ${now} FROM ${workers}`,
  );
  await db.transaction(async (tx) => {
    // The guards would have each job opened, closed and sealed one after the other.
    await tx.execute({ text: "SET LOCAL session_replication_role = replica", values: [] });
    await tx.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, state, created_at, shares, work, reward, carried_in,
        fee, paid, carried, root, attempt, winning, forced)
      SELECT n, 5, '', '', '{}', 0, 0.05, 'largest-remainder', 'assigned', 'sealed', now() - (${count}::int - n) * interval '10 minutes', 1, 1, 100, 0, 5, 95, 0, 'r', 'a', 1, false
      FROM ${blocks}`);
    await tx.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward, network_hashrate)
      SELECT n, 5, 'k' || n, now(), 30, true, '[]', 1, 100, 1e6 FROM ${blocks}`);
    await tx.execute(sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
      SELECT n, p, 'e', 1, CASE WHEN p <= 25 THEN 100 ELSE 0 END, 'i', p = 1 FROM ${blocks}, generate_series(1, 50) p`);
    await tx.execute(sql`INSERT INTO payouts (job, attempt, user_name, shares, work, amount)
      SELECT n, 'a', 'user0', 1, 1, 95 FROM ${blocks}`);
  });
  await db.execute(sql`VACUUM ANALYZE`);
}

/** What is asked for, and whether the answer is that of the rows above. */
const QUESTIONS = {
  activity: {
    what: "who is there and what they did in ten minutes: the first page's first query",
    better: "less",
    ask: async (db: Db, count: number, nowMs: number) => {
      const sinceMs = Math.floor(nowMs / MINUTE_MS - 10) * MINUTE_MS;
      const { workers, shares } = await poolActivity(db, { sinceMs, onlineMs: nowMs - 5 * MINUTE_MS, nowMs });
      return workers === count && shares === BigInt(count * (WORKER_MINUTES + 1));
    },
  },
  hour: {
    what: "the pool's work by minute over an hour: the first page's second query",
    better: "less",
    ask: async (db: Db, _: number, nowMs: number) =>
      (await poolMinutes(db, Math.floor(nowMs / MINUTE_MS - HOUR_MINUTES) * MINUTE_MS)).length ===
      HOUR_MINUTES + 1,
  },
  history: {
    what: "a day's blocks, with our places",
    better: "less",
    ask: async (db: Db, count: number) => (await recentBlocks(db, 144)).length === Math.min(144, count),
  },
  balance: {
    what: "the balance of a user with a payout of every block",
    better: "less",
    ask: async (db: Db, count: number) => (await balanceOf(db, "user0"))?.owed === BigInt(95 * count),
  },
} as const;

async function open({ quick }: Setting, room: Room): Promise<Opened> {
  const sizes: { size: number; count: number; db: Db }[] = [];
  const nowMs = Date.now();
  for (const size of SIZES) {
    const { db } = await openBooks(room);
    const count = quick ? size / QUICK : size;
    await fill(db, count, nowMs);
    sizes.push({ size, count, db });
  }
  const ours = async (): Promise<Values> => {
    const values: Record<string, number> = {};
    for (const { size, count, db } of sizes)
      for (const [name, { ask }] of Object.entries(QUESTIONS)) {
        const times: number[] = [];
        for (let n = 0; n < (quick ? QUICK_TIMES : TIMES); n++) {
          const startMs = performance.now();
          const isRight = await ask(db, count, nowMs);
          times.push(performance.now() - startMs);
          if (!isRight) throw new Error(`${name}: the answer is not that of ${count} workers and blocks`);
        }
        values[`pages-${size}-${name}`] = quantile(times, 0.95);
      }
    return values;
  };
  return { ours, peer: undefined };
}

function rowsOf(size: number): [string, Row][] {
  return Object.entries(QUESTIONS).map(([name, { what, better }]) => [
    `pages-${size}-${name}`,
    {
      ...{ unit: "ms", better, growth: { of: `pages, ${name}, by workers and blocks`, size } },
      what: `${what}, beside ${size.toLocaleString("en")} workers and blocks, p95`,
    },
  ]);
}

export const PAGES: Bench = {
  name: "pages",
  what: `statements that pages ask of the database, ${TIMES} times each`,
  rounds: 3,
  rows: Object.fromEntries(SIZES.flatMap(rowsOf)),
  open,
};
