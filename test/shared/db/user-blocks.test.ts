import * as v from "valibot";
import { afterAll, beforeAll, expect, it } from "vitest";
import { onlineWorkers } from "../../../shared/db/online-workers.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { userBlocks } from "../../../shared/db/user-stats.ts";
import { text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { seedPool } from "../../support/seed-pool.ts";

const NOW_MS = Date.now();
const BLOCKS = 40;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedPool(database.db, {
    ...{ nowMs: NOW_MS, blocks: BLOCKS, blockSeconds: 600, firstHeight: 1000, rivalHashrate: 100_000 },
    workers: { "ann/one": 40_000, "ann/two": 10_000, "bob/": 50_000 },
  });
});
afterAll(() => database.drop());

/** As the rows of work say. */
function summed(db: Db, limit: number) {
  return db.query(
    sql`SELECT job AS height, sum(shares)::text AS shares, sum(work)::text AS work, sum(rejected)::text AS rejected
      FROM work WHERE user_name = 'ann' GROUP BY job ORDER BY job DESC LIMIT ${limit}::int`,
    v.object({ height: v.number(), shares: v.string(), work: v.string(), rejected: v.string() }),
  );
}
const shown = async (db: Db, limit: number, before?: number) =>
  (await userBlocks(db, "ann", limit, before)).map(({ height, shares, work, rejected }) => ({
    ...{ height, shares: `${shares}`, work: `${work}`, rejected: `${rejected}` },
  }));

it("a user's blocks are the sums over its workers, open and sealed, page by page", async () => {
  const { db } = database;
  const all = await summed(db, 100);
  expect(all).toHaveLength(BLOCKS + 1);
  expect(all.some(({ rejected }) => rejected !== "0")).toBe(true);

  expect(await shown(db, 100)).toEqual(all);
  expect(await shown(db, 5)).toEqual(all.slice(0, 5));
  expect(await shown(db, 5, all[4]?.height)).toEqual(all.slice(5, 10));
});

it("also of blocks that were sealed before refused shares stood beside the others", async () => {
  const { db } = database;
  expect(await text(db, sql`SELECT count(*) FROM payouts WHERE rejected IS NULL`)).toBe("0");
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(sql`UPDATE payouts SET rejected = NULL WHERE job < 1020`);
  });

  expect(await shown(db, 100)).toEqual(await summed(db, 100));
});

it("the rigs of the last minutes are those with a share, taken or refused, the most work first", async () => {
  const { db } = database;
  const minute = sql`date_trunc('minute', to_timestamp(${NOW_MS}::float8 / 1000))`;
  await db.execute(
    sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected) VALUES ('bob', 'broken', ${minute}, 0, 0, 7)`,
  );
  await db.execute(sql`INSERT INTO worker_refused (user_name, worker, hour, reason, shares)
    VALUES ('bob', 'broken', date_trunc('hour', ${minute}, 'UTC'), 'stale', 7)`);
  const window = { sinceMs: NOW_MS - 600_000, nowMs: NOW_MS };
  const { workers: rows, total } = await onlineWorkers(db, { ...window, limit: 500 });
  const named = rows.map(({ user, worker }) => `${user}/${worker}`);

  expect(named).toEqual(["bob/", "ann/one", "ann/two", "bob/broken"]);
  expect(rows[3]).toMatchObject({ shares: 0n, rejected: 7n });
  expect(total).toBe(4);
  expect(await onlineWorkers(db, { ...window, limit: 500, search: "BROK" })).toMatchObject({ total: 1 });
  // Of both kinds, of the second kind alone, of the first alone, and of none.
  for (const [from, limit] of [
    [2, 2],
    [3, 2],
    [0, 3],
    [7, 2],
  ] as const)
    expect(await onlineWorkers(db, { ...window, limit, from })).toEqual({
      workers: rows.slice(from, from + limit),
      total: 4,
    });
});
