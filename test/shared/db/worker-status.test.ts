import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyDelta } from "../../../shared/db/deltas.ts";
import { sql } from "../../../shared/db/port.ts";
import {
  countWorkers,
  hideWorker,
  userActivity,
  type WorkerWindows,
  workerCounts,
  workersOf,
} from "../../../shared/db/worker-status.ts";
import { confirmWorkers } from "../../../shared/db/workers.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { addJob, addUsers, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { planOf, rowsRead, statementsOf } from "../../support/plans.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHARE = 65_536;
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 30 * MINUTE_MS;
const WINDOWS: WorkerWindows = {
  nowMs: NOW_MS,
  longMs: NOW_MS - HOUR_MS,
  shortMs: NOW_MS - 10 * MINUTE_MS,
  dayMs: NOW_MS - 24.5 * HOUR_MS,
};
const byText = (a: string, b: string): number => (a < b ? -1 : 1);
const ALL = { search: "", hidden: false, from: 0, limit: 200 };

let database: TestDatabase;
let seq = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  await addUsers(database.db, "ann", "farm");
  await addJob(database.db, 10);
});
afterAll(() => database.drop());

interface Sent {
  readonly shares?: number;
  readonly rejected?: number;
  readonly best?: string;
}

/** One delta of a window of five seconds that ended at `atMs`. */
async function mined(user: string, atMs: number, workers: Readonly<Record<string, Sent>>): Promise<void> {
  const rows = Object.entries(workers).map(([worker, { shares = 1, rejected = 0, best = "9" }]) => ({
    ...{ user, worker, shares, work: `${shares * SHARE}`, best, rejected },
  }));
  const body = { v: 1, kind: "delta", job: 10, slot: 0, epoch: 1, seq: seq++ };
  await applyDelta(database.db, JSON.stringify({ ...body, fromMs: atMs - 5000, toMs: atMs, rows }));
}

const pace = async (worker: string, atMs: number): Promise<number> =>
  Number(
    await text(
      database.db,
      sql`SELECT pace * worker_decay(extract(epoch FROM to_timestamp(${atMs}::float8 / 1000) - pace_at)::float8)
        FROM worker_status WHERE user_name = 'ann' AND worker = ${worker}`,
    ),
  );

describe("what is kept of a worker when its shares are booked", () => {
  it("is the end of its last window, its best share, its hours and the user's minutes", async () => {
    const { db } = database;
    await confirmWorkers(db, "ann", ["rig"]);
    await mined("ann", NOW_MS - 2 * HOUR_MS, { rig: { shares: 6, best: "70" } });
    await mined("ann", NOW_MS - 12_345, {
      rig: { shares: 4, rejected: 2, best: "50" },
      other: { rejected: 3 },
    });
    await mined("ann", NOW_MS - 10_000, { rig: { shares: 0, rejected: 5 } });

    const [rig] = await workersOf(db, "ann", ALL, WINDOWS);
    expect(rig).toMatchObject({
      worker: "rig",
      kind: "own",
      lastMs: NOW_MS - 12_345,
      shares: 4n,
      rejected: 7n,
    });
    expect(rig?.longWork).toBe(BigInt(4 * SHARE));
    expect(rig?.dayWork).toBe(BigInt(10 * SHARE));
    expect(await text(db, sql`SELECT best FROM worker_status WHERE worker = 'rig'`)).toBe("70");
    expect(await userActivity(db, "ann", WINDOWS)).toMatchObject({
      ...{ longWork: BigInt(5 * SHARE), shares: 5n, rejected: 10n },
      ...{ ownShares: 4n, ownRejected: 7n },
    });
  });

  it("is the same pace whatever order deltas come in, and none from a clock that was set back", async () => {
    const { db } = database;
    await confirmWorkers(db, "ann", ["early", "late", "jumped"]);
    const times = [0, 1, 2, 7, 16, 30].map((minutes) => NOW_MS - minutes * MINUTE_MS);
    for (const atMs of times) await mined("ann", atMs, { late: { shares: 3 } });
    for (const atMs of times.toReversed()) await mined("ann", atMs, { early: { shares: 3 } });
    const expected = times
      .map((atMs) => (3 * SHARE * Math.exp(-(NOW_MS - atMs) / 900_000)) / 900)
      .reduce((sum, part) => sum + part, 0);
    expect(await pace("early", NOW_MS)).toBeCloseTo(expected, 6);
    expect(await pace("late", NOW_MS)).toBeCloseTo(expected, 6);

    await mined("ann", NOW_MS + 400 * 24 * HOUR_MS, { jumped: { shares: 1000 } });
    await mined("ann", NOW_MS, { jumped: { shares: 3 } });
    expect(await pace("jumped", NOW_MS)).toBeCloseTo((3 * SHARE) / 900, 6);
  });
});

describe("a user of 2,841 workers among 10,000", () => {
  const RIGS = 2841;
  const HOURS = 26;
  beforeAll(async () => {
    const { db } = database;
    const at = sql`to_timestamp(${NOW_MS}::float8 / 1000)`;
    await db.execute(sql`INSERT INTO workers (user_name, worker, state)
      SELECT 'farm', 'rig-' || lpad(n::text, 4, '0'), 'own' FROM generate_series(1, ${RIGS}::int) n`);
    // Every tenth has been silent for a day.
    await db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since, state)
      SELECT CASE WHEN n <= ${RIGS}::int THEN 'farm' ELSE 'u' || n END, 'rig-' || lpad(n::text, 4, '0'), ${at} - interval '30 days',
        ${at} - CASE WHEN n % 10 = 0 THEN interval '1 day' ELSE interval '20 seconds' END, 10, 1000, ${at}, 1, 10, ${at}, ${at},
        CASE WHEN n % 10 = 0 THEN 'offline' ELSE 'ok' END
      FROM generate_series(1, 10000) n`);
    // A few at a time: a busy machine must not take longer for one than a statement may.
    for (let hour = 0; hour <= HOURS; hour += 3)
      await db.execute(sql`INSERT INTO worker_hours SELECT user_name, worker, date_trunc('hour', ${at}) - h * interval '1 hour', 60, 60 * 65536, 1
        FROM worker_status, generate_series(${hour}::int, ${Math.min(hour + 2, HOURS)}::int) h WHERE user_name = 'farm'`);
    for (let minute = 0; minute < 15; minute += 3)
      await db.execute(sql`INSERT INTO worker_minutes SELECT user_name, worker, date_trunc('minute', ${at}) - m * interval '1 minute', 1, 65536, 0
        FROM worker_status, generate_series(${minute}::int, ${minute + 2}::int) m WHERE user_name = 'farm'`);
    await db.execute(sql`INSERT INTO user_minutes SELECT user_name, minute, sum(shares), sum(work), sum(rejected), 0, 0 FROM worker_minutes
      WHERE user_name = 'farm' GROUP BY 1, 2`);
    await db.execute(sql`INSERT INTO user_minutes SELECT 'v' || n, date_trunc('minute', ${at}) - m * interval '1 minute', 1, 65536, 0, 0, 0
      FROM generate_series(1, 300) n, generate_series(0, 70) m`);
    await db.execute(sql`ANALYZE`);
  });

  it("has sums of all of them, and a list without gap or repetition, those that work first", async () => {
    const { db } = database;
    const names: string[] = [];
    for (let from = 0; ; from += 200) {
      const page = await workersOf(db, "farm", { ...ALL, from }, WINDOWS);
      if (page.length === 0) break;
      names.push(...page.map(({ worker }) => worker));
    }

    expect(new Set(names).size).toBe(RIGS);
    expect(names).toHaveLength(RIGS);
    const working = names.filter((name) => !name.endsWith("0"));
    expect(names).toEqual([
      ...working.toSorted(byText),
      ...names.filter((name) => name.endsWith("0")).toSorted(byText),
    ]);
    expect(await workerCounts(db, "farm")).toMatchObject({
      shown: RIGS,
      online: working.length,
      offline: RIGS - working.length,
      hidden: 0,
    });
    expect((await userActivity(db, "farm", WINDOWS)).longWork).toBe(BigInt(RIGS * 15 * SHARE));
    const found = { ...ALL, search: "RIG-28", limit: 10 };
    expect(await countWorkers(db, "farm", found)).toBe(42);
    expect((await workersOf(db, "farm", found, WINDOWS)).map(({ worker }) => worker)[0]).toBe("rig-2801");
    expect(await countWorkers(db, "farm", { ...ALL, search: "%" })).toBe(0);
  });

  it("does not list what its owner has hidden, until that works again", async () => {
    const { db } = database;
    expect(await hideWorker(db, "farm", "rig-0010", true)).toBe(true);
    expect(await hideWorker(db, "ann", "rig-0010", true)).toBe(false);

    expect(await workerCounts(db, "farm")).toMatchObject({ shown: RIGS - 1, hidden: 1 });
    const hidden = { ...ALL, hidden: true };
    expect((await workersOf(db, "farm", hidden, WINDOWS)).map(({ worker }) => worker)).toEqual(["rig-0010"]);
    expect(await countWorkers(db, "farm", { ...ALL, search: "rig-0010" })).toBe(0);
    await mined("farm", Date.now() + 5000, { "rig-0010": {} });
    expect(await countWorkers(db, "farm", hidden)).toBe(0);
  });

  it("reads its own rows by their keys: one each for the counts, minutes and hours of the page only", async () => {
    const { db } = database;
    const sent = await statementsOf(db, async (asked) => {
      await userActivity(asked, "farm", WINDOWS);
      await workerCounts(asked, "farm");
      await workersOf(asked, "farm", { ...ALL, limit: 50 }, WINDOWS);
    });
    expect(sent).toHaveLength(4);
    const [activity = "", counts = "", page = "", sums = ""] = await Promise.all(
      sent.map((one) => planOf(db, one)),
    );

    expect(activity).toMatch(/user_minutes_pkey/);
    expect(rowsRead(activity)).toBeLessThanOrEqual(70);
    expect(rowsRead(counts)).toBeLessThanOrEqual(10_020);
    expect(rowsRead(page)).toBeLessThanOrEqual(10_020 + RIGS);
    expect(sums).not.toMatch(/Seq Scan on worker_(minutes|hours)/);
    // 15 minutes and 26 hours of 50 workers.
    expect(rowsRead(sums)).toBeLessThanOrEqual(50 * (60 + HOURS));
    expect(rowsRead(sums)).toBeGreaterThan(50 * (15 + 20));
  });
});

it("the rest of a user's workers are one row, at the end", async () => {
  const { db } = database;
  const made = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`made-${n}`, {}]));
  await mined("ann", NOW_MS, made);

  const rows = await workersOf(db, "ann", ALL, WINDOWS);
  expect(rows.at(-1)).toMatchObject({ worker: REST_WORKER, kind: "rest" });
  expect((await workerCounts(db, "ann")).shown).toBe(rows.length - 1);
});
