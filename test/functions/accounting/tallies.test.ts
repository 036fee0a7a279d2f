import * as v from "valibot";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { countWithholding, listWithholding, sumWithholding } from "../../../shared/db/withholding.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { addBlock, addJob, addUsers, deltaBody, text } from "../../support/books.ts";
import { testClient } from "../../support/http-client.ts";

let api: TestApi | undefined;
let db: Db;
beforeEach(async () => {
  await api?.database.drop();
  api = await createTestApi({ seeded: false });
  db = api.database.db;
  await addUsers(db, "cheat", "honest");
});
afterAll(() => api?.database.drop());

/** A hash in 2^20 reaches it. */
const THRESHOLD = 2n ** 64n - 2n ** 44n;

/** Judged work in units of 2^20 hashes, and hits, by user. */
async function mined(
  job: number,
  seq: number,
  users: Record<string, readonly [number, number]>,
): Promise<void> {
  const names = Object.keys(users).map((name) => `${name}/rig`);
  const body = JSON.parse(deltaBody({ job, seq }, Object.fromEntries(names.map((name) => [name, 1]))));
  for (const [index, [due, sent]] of Object.values(users).entries())
    Object.assign(body.rows[index], { judged: `${BigInt(due) << 20n}`, sent });
  await applyMessage(JSON.stringify(body), { db, logger: SILENT });
}

async function sealed(height: number): Promise<void> {
  await addBlock(db, height, 5n);
  await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
}

const tallies = () =>
  text(
    db,
    sql`SELECT string_agg(job || ' ' || user_name || ' ' || judged || ' ' || sent, ', ' ORDER BY job, user_name) FROM tallies`,
  );

describe("the tallies of a job", () => {
  it("are added once with their delta, to the job that was mined, wherever the work is booked", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    await mined(10, 0, { cheat: [3, 0], honest: [2, 2] });
    await mined(10, 0, { cheat: [3, 0], honest: [2, 2] });
    await sealed(10);
    await mined(10, 1, { honest: [1, 4] });
    await addJob(db, 11, { threshold: THRESHOLD });
    await mined(10, 2, { honest: [1, 0] });
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();

    expect(await tallies()).toBe(`10 cheat ${3 << 20} 0, 10 honest ${4 << 20} 6`);
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE into_job = 11`)).toBe("2");
    expect((await replayBooks(db, { named: 5 })).audit.problems).toEqual([]);
  });

  it("are none of an older edge's deltas, which are booked as ever", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    await applyMessage(deltaBody({ job: 10, seq: 0 }, { "honest/rig": 3 }), { db, logger: SILENT });

    expect(await tallies()).toBeNull();
    expect(await text(db, sql`SELECT shares FROM work`)).toBe("3");
    expect((await replayBooks(db, { named: 5 })).audit.problems).toEqual([]);
  });

  it("are made again by the replay, which names one that was changed", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    await mined(10, 0, { cheat: [3, 0] });
    await db.execute(sql`UPDATE tallies SET sent = 9`);

    expect((await replayBooks(db, { named: 5 })).audit.problems).toEqual([
      "job 10, tally of cheat: sent is 9, the records make 0",
    ]);
    await expect(db.execute(sql`DELETE FROM tallies`)).rejects.toMatchObject({ code: "db-error" });
  });
});

describe("the counts over many blocks", () => {
  it("tell a withholder from an honest miner, once each block, however often and at how many places they are made", async () => {
    for (let height = 10; height < 16; height++) {
      await addJob(db, height, { threshold: THRESHOLD });
      await mined(height, 0, { cheat: [5, 0], honest: [5, 6] });
      await sealed(height);
      if (height === 12) await Promise.all([countWithholding(db), countWithholding(db)]);
    }
    await addJob(db, 16, { threshold: THRESHOLD });
    await mined(16, 0, { cheat: [9, 9] });
    await Promise.all([countWithholding(db), countWithholding(db), countWithholding(db)]);
    expect(await countWithholding(db)).toBe(0);

    const [cheat, honest] = await listWithholding(db, 10);
    expect(cheat).toMatchObject({ user: "cheat", through: 15 });
    expect(cheat?.total.sent).toBe(0n);
    expect(cheat?.looks[0]).toMatchObject({ done: 1, alarms: 1, last: { sent: 0n } });
    expect(honest?.looks[0]).toMatchObject({ done: 1, alarms: 0, last: { sent: 36n } });
    expect(honest?.looks[1]).toMatchObject({ done: 0, open: { sent: 36n } });
  });

  it("are finished by the next run where one was stopped between two pages", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    await mined(10, 0, { cheat: [5, 0], honest: [5, 6] });
    await sealed(10);
    await countWithholding(db);
    await db.execute(sql`UPDATE withholding_through SET height = -1`);
    await db.execute(sql`DELETE FROM withholding WHERE user_name = 'honest'`);

    await countWithholding(db);
    expect(
      await text(
        db,
        sql`SELECT string_agg(user_name || ' ' || sent, ', ' ORDER BY user_name) FROM withholding`,
      ),
    ).toBe("cheat 0, honest 6");
  });

  it("show what hides in accounts too small for a look by their sum", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    for (let n = 0; n < 12; n++) {
      await addUsers(db, `small${n}`);
      await mined(10, n, { [`small${n}`]: [6, 0] });
    }
    await mined(10, 12, { honest: [60, 61] });
    await sealed(10);
    await countWithholding(db);

    const sums = await sumWithholding(db);
    expect(sums.unseenUsers).toBe(12);
    expect(sums.unseen.sent).toBe(0n);
    expect(sums.all.sent).toBe(61n);
  });

  it("are shown to administrators, both figures and what chance says, and to nobody else", async () => {
    await addJob(db, 10, { threshold: THRESHOLD });
    await mined(10, 0, { cheat: [25, 0], honest: [24, 24] });
    await mined(10, 1, { cheat: [1, 0] });
    await sealed(10);
    await countWithholding(db);
    const handler = api?.handler;
    if (handler === undefined) throw new Error("no api");
    const boss = testClient(handler);
    await boss.send("POST", "/api/session", { body: { name: "boss", password: PASSWORD } });
    const ann = testClient(handler);
    await ann.send("POST", "/api/session", { body: { name: "ann", password: PASSWORD } });

    const view = v.parse(VIEWS.Withholding, (await boss.json("GET", "/api/admin/withholding")).body);
    expect(view.users[0]).toMatchObject({ name: "cheat", sent: "0", through: 10 });
    expect(view.users[0]?.due).toBeCloseTo(26, 4);
    expect(view.users[0]?.deviation).toBeCloseTo(-Math.sqrt(26), 4);
    expect(view.users[0]?.looks[0]?.last?.chance).toBeCloseTo(Math.exp(-26), 15);
    expect(view.users[0]?.looks[0]).toMatchObject({ length: 25, done: 1, alarms: 1 });
    expect(view.small).toMatchObject({ users: 1, sent: "24" });
    expect(view.pool.sent).toBe("24");
    expect((await ann.json("GET", "/api/admin/withholding")).status).toBe(403);
  });
});
