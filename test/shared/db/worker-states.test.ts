import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { applyDelta } from "../../../shared/db/deltas.ts";
import { sql } from "../../../shared/db/port.ts";
import { judgeWorkers, learnWorkers, workerChanges } from "../../../shared/db/worker-states.ts";
import { confirmWorkers } from "../../../shared/db/workers.ts";
import { addJob, addUsers, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { planOf, rowsRead, statementsOf } from "../../support/plans.ts";
import { Chance } from "../../support/random.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STALL_MS = 30 * MINUTE_MS;
const SHARE = 65_536;
/** Two days ago, so that nothing here is in the future. */
const T0 = Math.floor(Date.now() / HOUR_MS - 48) * HOUR_MS;

let database: TestDatabase;
let seq = 0;
let user = "";
let users = 0;
let nowMs = T0;
beforeAll(async () => {
  database = await createTestDatabase();
  // The newest job is never old.
  await addJob(database.db, 10, { madeMs: Date.now() });
});
beforeEach(async () => {
  user = `user${users++}`;
  nowMs = T0;
  await addUsers(database.db, user);
  await database.db.execute(sql`UPDATE worker_watch SET judged_at = 'epoch', since = 'epoch'`);
});
afterAll(() => database.drop());

/** Shares of each worker in the minute that ends now. */
async function mined(shares: Readonly<Record<string, number>>): Promise<void> {
  const rows = Object.entries(shares)
    .filter(([, count]) => count > 0)
    .map(([worker, count]) => ({
      ...{ user, worker, shares: count, work: `${count * SHARE}`, best: "9", rejected: 0 },
    }));
  if (rows.length === 0) return;
  const body = {
    v: 1,
    kind: "delta",
    job: 10,
    slot: 0,
    epoch: 1,
    seq: seq++,
    fromMs: nowMs - 1000,
    toMs: nowMs,
  };
  await applyDelta(database.db, JSON.stringify({ ...body, rows }));
}

/** A week of whole hours of so many shares. */
async function hadWeek(worker: string, sharesAnHour: number): Promise<void> {
  await confirmWorkers(database.db, user, [worker]);
  await database.db.execute(sql`INSERT INTO worker_hours
    SELECT ${user}, ${worker}, to_timestamp(${T0}::float8 / 1000) - h * interval '1 hour', ${sharesAnHour}::int, ${sharesAnHour * SHARE}::bigint, 0
    FROM generate_series(1, 150) h`);
}

const judge = (): Promise<number> => judgeWorkers(database.db, nowMs, STALL_MS);
const stateOf = async (worker: string): Promise<string> =>
  (await text(
    database.db,
    sql`SELECT state FROM worker_status WHERE user_name = ${user} AND worker = ${worker}`,
  )) ?? "ok";

/** Mines and judges minute by minute; gives the minutes at which the state was another, with it. */
async function minutes(
  count: number,
  shares: (minute: number) => Readonly<Record<string, number>>,
  worker = "rig",
): Promise<[number, string][]> {
  const changes: [number, string][] = [];
  let known = await stateOf(worker);
  for (let minute = 1; minute <= count; minute++) {
    nowMs += MINUTE_MS;
    await mined(shares(minute));
    await judge();
    const state = await stateOf(worker);
    if (state !== known) changes.push([minute, state]);
    known = state;
  }
  return changes;
}

const steady = (count: number) => () => ({ rig: count });

/** A worker of six shares a minute that has worked for an hour and is known. */
async function knownRig(): Promise<void> {
  await hadWeek("rig", 360);
  expect(await minutes(60, steady(6))).toEqual([]);
  await learnWorkers(database.db, nowMs, 100);
}

describe("a worker that falls silent", () => {
  it("is offline within five minutes and a half of its last share, recovered with the next, and OK an hour later", async () => {
    await knownRig();
    const lastMs = nowMs;
    expect(await minutes(30, steady(0))).toEqual([[5, "offline"]]);
    expect(await minutes(90, steady(6))).toEqual([
      [1, "recovered"],
      [61, "ok"],
    ]);

    const changes = await workerChanges(database.db, user, "rig", 10);
    expect(changes.map(({ state }) => state)).toEqual(["ok", "recovered", "offline"]);
    expect(changes[2]).toEqual({ state: "offline", atMs: lastMs + 5 * MINUTE_MS, sinceMs: lastMs });
  });

  it("has longer where its shares are rare: one in ten minutes is not offline after an hour, after three it is", async () => {
    await hadWeek("rig", 6);
    await minutes(60, (minute) => ({ rig: minute % 10 === 0 ? 1 : 0 }));
    await learnWorkers(database.db, nowMs, 100);

    expect(await minutes(60, steady(0))).toEqual([]);
    expect(await minutes(130, steady(0))).toEqual([[100, "offline"]]);
  });

  it("is not blamed for a pool that did not mine, or was not watched: silence counts from then on", async () => {
    await knownRig();
    await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT 11, version, opr_hash || 'x', opr, prices, threshold, fee_rate, split, credit, to_timestamp(${T0 - 60 * MINUTE_MS}::float8 / 1000) FROM jobs WHERE height = 10`);
    expect(await minutes(40, steady(0))).toEqual([]);
    await database.db.execute(sql`DELETE FROM jobs WHERE height = 11`).catch(() => undefined);
    await addJob(database.db, 12, { madeMs: Date.now() });
    expect(await minutes(4, steady(0))).toEqual([]);
    expect(await minutes(3, steady(0))).toEqual([[1, "offline"]]);

    await minutes(70, steady(6));
    nowMs += 40 * MINUTE_MS;
    expect(await minutes(5, steady(0))).toEqual([]);
    expect(await minutes(2, steady(0))).toEqual([[1, "offline"]]);
  });
});

describe("a worker that slows down", () => {
  it("is low when half of its usual rate is missing, and recovered when it is back; an outage alone makes it not low", async () => {
    await knownRig();
    const [[fell = 0, low] = [], ...more] = await minutes(60, steady(3));
    expect([low, more]).toEqual(["low", []]);
    expect(fell).toBeGreaterThan(10);
    expect(fell).toBeLessThan(35);

    const back = await minutes(120, steady(6));
    expect(back.map(([, state]) => state)).toEqual(["recovered", "ok"]);
    await minutes(30, steady(0));
    expect((await minutes(90, steady(6))).map(([, state]) => state)).toEqual(["recovered", "ok"]);
  });

  it("is judged by itself: a small one beside a large one, and none before it is known", async () => {
    await hadWeek("rig", 60);
    await hadWeek("large", 3600);
    await confirmWorkers(database.db, user, ["fresh"]);
    const all = (rig: number) => (minute: number) => ({ rig, large: 60, fresh: minute < 60 ? 60 : 12 });
    await minutes(60, all(1));
    await learnWorkers(database.db, nowMs, 100);
    expect(await minutes(60, all(1))).toEqual([]);
    expect(await stateOf("large")).toBe("ok");
    expect(await stateOf("fresh")).toBe("ok");
  });

  it("is not what chance alone does to 100 fair workers in eight hours", { timeout: 200_000 }, async () => {
    const chance = new Chance(11);
    const rates = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`rig${n}`, [6, 2, 0.5, 0.1][n % 4] ?? 1]),
    );
    for (const [worker, rate] of Object.entries(rates)) await hadWeek(worker, Math.round(rate * 60));
    const poisson = (mean: number): number => {
      let count = 0;
      for (let left = chance.unit(); left > Math.exp(-mean); left *= chance.unit()) count++;
      return count;
    };
    const fair = () =>
      Object.fromEntries(Object.entries(rates).map(([worker, rate]) => [worker, poisson(rate)]));
    for (let half = 0; half < 16; half++) {
      await minutes(30, fair, "rig0");
      await learnWorkers(database.db, nowMs, 200);
    }

    const changed = await database.db.query(
      sql`SELECT worker, state FROM worker_changes WHERE user_name = ${user}`,
      v.object({ worker: v.string(), state: v.string() }),
    );
    expect(changed).toEqual([]);
  });
});

describe("the judge of 10,000 workers", () => {
  it("reads each once and waits for none that is being booked", async () => {
    const { db } = database;
    const at = sql`to_timestamp(${nowMs}::float8 / 1000)`;
    await db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, usual_rate, usual_shares, since, up_since)
      SELECT ${user}, 'rig' || n, ${at} - interval '9 days', ${at}, 10, 1000, ${at}, 1, 10, 1000, 0.1, ${at} - interval '9 days', ${at} - interval '9 days'
      FROM generate_series(1, 10000) n`);
    await db.execute(sql`INSERT INTO worker_hours SELECT user_name, worker, to_timestamp(${T0}::float8 / 1000) - h * interval '1 hour', 360, 360 * 65536, 1
      FROM worker_status, generate_series(1, 8) h WHERE user_name = ${user}`);
    await db.execute(sql`ANALYZE`);
    await judge();
    nowMs += MINUTE_MS;
    const rows = Number(await text(db, sql`SELECT count(*) FROM worker_status`));
    const [learnt, judged] = await statementsOf(db, async (asked) => {
      await learnWorkers(asked, nowMs, 400);
      await judgeWorkers(asked, nowMs, STALL_MS);
    });
    if (learnt === undefined || judged === undefined) throw new Error("two statements");

    expect(rowsRead(await planOf(db, judged))).toBeLessThanOrEqual(rows + 50);
    // Its row, and the hours of those that are learned.
    expect(rowsRead(await planOf(db, learnt))).toBeLessThanOrEqual(3 * rows + 400 * 160);
    await db.transaction(async (tx) => {
      await tx.execute(
        sql`UPDATE worker_status SET pace = pace + 1 WHERE user_name = ${user} AND worker = 'rig7'`,
      );
      nowMs += 4 * MINUTE_MS;
      expect(await judge()).toBeGreaterThanOrEqual(9_999);
      expect(await stateOf("rig7")).toBe("ok");
      expect(await stateOf("rig8")).toBe("offline");
    });
    expect(await judge()).toBe(1);
    expect(await stateOf("rig7")).toBe("offline");
  });
});
