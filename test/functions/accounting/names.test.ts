import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { unparkDeltas } from "../../../shared/db/deltas.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { closeJob } from "../../../shared/db/seals.ts";
import { confirmWorkers, forgetWorker, waitingWorkers } from "../../../shared/db/workers.ts";
import { SILENT } from "../../../shared/logger.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { addBlock, addJob, addUsers, deltaBody, sharesOf, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  await addUsers(db, "ann", "bob");
  await addJob(db, 10);
});
afterEach(() => database.drop());

const LIMITS = { inJob: 12, newInDay: 2 };
const apply = (body: string, workerLimits = LIMITS): Promise<void> =>
  applyMessage(body, { db, logger: SILENT, workerLimits });

async function shares(job: number, user = "ann"): Promise<Record<string, number>> {
  const row = await one(
    db,
    sql`SELECT COALESCE(jsonb_object_agg(worker, shares), '{}')::text AS shares FROM work WHERE job = ${job} AND user_name = ${user}`,
    v.object({ shares: v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.number())) }),
  );
  return row.shares;
}

/** Rows as `user/worker` → accepted and refused shares. */
function refusedBody(seq: number, rows: Record<string, readonly [number, number]>): string {
  const body = JSON.parse(
    deltaBody({ job: 10, seq }, Object.fromEntries(Object.keys(rows).map((name) => [name, 1]))),
  );
  for (const [index, [accepted, rejected]] of Object.values(rows).entries()) {
    const work = `${accepted * 16}`;
    Object.assign(body.rows[index], { shares: accepted, work, best: "0", rejected });
  }
  return JSON.stringify(body);
}

async function sealed(height: number): Promise<void> {
  await addBlock(db, height, 1_000_003n);
  await createSealer(
    { deadlineMs: 0 },
    { db, clock: systemClock, logger: SILENT, workerLimits: LIMITS },
  ).run();
}

async function isReplayed(): Promise<void> {
  const replay = await replayBooks(db, { named: 20 });
  expect(replay.audit.problems).toEqual([]);
  expect(replay.audit).toEqual(await auditBooks(db));
}

describe("refused shares alone", () => {
  it("are no work and no row of their name: what is left of them is the user's minute", async () => {
    const strangers = Array.from({ length: 300 }, (_, n) => [`ann/made-up-${n}`, [0, 5]] as const);
    await apply(refusedBody(0, { "bob/rig": [1, 2], ...Object.fromEntries(strangers) }));

    expect(await text(db, sql`SELECT string_agg(worker || ' ' || rejected, ',') FROM work`)).toBe("rig 2");
    expect(
      await text(
        db,
        sql`SELECT string_agg(worker || ' ' || rejected, ',') FROM worker_minutes WHERE user_name = 'ann'`,
      ),
    ).toBe(`${REST_WORKER} 1500`);
    expect(await text(db, sql`SELECT count(*) FROM workers WHERE user_name = 'ann'`)).toBe("0");
    await isReplayed();

    // Of a worker with sums in the job they are counted there; the record says which were not.
    await apply(refusedBody(1, { "ann/made-up-0": [0, 9], "bob/rig": [0, 4] }));
    expect(await text(db, sql`SELECT string_agg(worker || ' ' || rejected, ',') FROM work`)).toBe("rig 6");
    expect(await text(db, sql`SELECT dropped FROM deltas WHERE seq = 1`)).toBe("{0}");
    await isReplayed();
  });
});

describe("new names without a password", () => {
  it("beyond a few a day are paid in the row for the rest, and have their own once the owner confirms them", async () => {
    await apply(
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "ann/b": 2, "ann/c": 3, "ann/d": 4, "bob/x": 5 }),
    );
    expect(await shares(10)).toEqual({ a: 1, b: 2, [REST_WORKER]: 7 });
    expect(await shares(10, "bob")).toEqual({ x: 5 });
    expect(new Set((await waitingWorkers(db, "ann")).map(({ worker }) => worker))).toEqual(
      new Set(["c", "d"]),
    );

    expect(await confirmWorkers(db, "ann", ["c"])).toBe(true);
    await apply(deltaBody({ job: 10, seq: 1 }, { "ann/c": 1, "ann/d": 1 }));
    expect(await shares(10)).toEqual({ a: 1, b: 2, c: 1, [REST_WORKER]: 8 });
    expect((await waitingWorkers(db, "ann")).map(({ worker }) => worker)).toEqual(["d"]);
    await isReplayed();
  });

  it("have room again a day later, and one that the owner forgets loses its row", async () => {
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "ann/b": 1 }));
    await db.execute(sql`UPDATE workers SET since = since - interval '25 hours'`);
    await apply(deltaBody({ job: 10, seq: 1 }, { "ann/c": 1 }));
    expect(await shares(10)).toEqual({ a: 1, b: 1, c: 1 });

    expect([await forgetWorker(db, "ann", "a"), await forgetWorker(db, "ann", "nobody")]).toEqual([
      true,
      false,
    ]);
    await addJob(db, 11);
    await apply(deltaBody({ job: 11, seq: 0 }, { "ann/a": 1, "ann/b": 1, "ann/c": 1 }));
    // One of the day's two is left, and a is as new as any other.
    expect(await shares(11)).toEqual({ a: 1, b: 1, c: 1 });
    await forgetWorker(db, "ann", "a");
    await addJob(db, 12);
    await apply(deltaBody({ job: 12, seq: 0 }, { "ann/z": 1, "ann/zz": 1 }));
    expect(await shares(12)).toEqual({ [REST_WORKER]: 1, z: 1 });
  });

  it("never fill what the owner's own need: a quarter of the limit is theirs, and 64 names wait at most", async () => {
    const few = { inJob: 8, newInDay: 1000 };
    for (let n = 0; n < 5; n++) await apply(deltaBody({ job: 10, seq: n }, { [`ann/new-${n}`]: 1 }), few);
    expect(await text(db, sql`SELECT count(*) FROM workers WHERE state = 'new'`)).toBe("2");

    const names = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`bob/flood-${n}`, 1]));
    await apply(deltaBody({ job: 10, seq: 9 }, names), { inJob: 4096, newInDay: 0 });
    expect(await shares(10, "bob")).toEqual({ [REST_WORKER]: 200 });
    expect((await waitingWorkers(db, "bob")).length).toBe(64);
  });

  it("are the owner's from the start where they worked before there was this rule", async () => {
    const stands = sql`SELECT state FROM workers WHERE user_name = 'ann' AND worker = 'a'`;
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }));
    expect(await text(db, stands)).toBe("new");
    expect(
      await confirmWorkers(
        db,
        "ann",
        Array.from({ length: 30 }, (_, n) => `w${n}`),
        { inJob: 7, newInDay: 0 },
      ),
    ).toBe(false);
    expect(await confirmWorkers(db, "ann", ["a", "a"], LIMITS)).toBe(true);
    expect(await text(db, stands)).toBe("own");
  });
});

describe("the limit of names in a job", () => {
  it("holds exactly while many edges' deltas are booked at once, and nothing of the rest is lost", async () => {
    const names = Array.from({ length: 40 }, (_, n) => `rig-${n}`);
    await confirmWorkers(db, "ann", names);
    const bodies = names.map((name, n) =>
      deltaBody({ job: 10, seq: 0, slot: n }, { [`ann/${name}`]: n + 1, "bob/one": 1 }),
    );
    const limits = { inJob: 25, newInDay: 1 };
    await Promise.all(bodies.map((body) => apply(body, limits)));
    await Promise.all(bodies.map((body) => apply(body, limits)));

    const rows = await shares(10);
    expect(Object.keys(rows)).toHaveLength(26);
    expect(Object.keys(rows)).toContain(REST_WORKER);
    expect(await sharesOf(db, 10, "ann")).toBe(820);
    expect(await sharesOf(db, 10, "bob")).toBe(40);
    await isReplayed();
    await sealed(10);
    await isReplayed();
    expect(await text(db, sql`SELECT work FROM payouts WHERE user_name = 'ann'`)).toBe(`${820 * 65_536}`);
  });

  it("is decided when late work is booked, and put on record then", async () => {
    await addBlock(db, 10, 0n);
    await closeJob(db, 10, false);
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "ann/b": 1, "ann/c": 1 }));
    expect(await text(db, sql`SELECT folded FROM deltas`)).toBeNull();
    await addJob(db, 11);
    expect(await unparkDeltas(db, LIMITS)).toBe(1);

    expect(await text(db, sql`SELECT folded FROM deltas`)).toBe("{2}");
    expect(await shares(11)).toEqual({ a: 1, b: 1, [REST_WORKER]: 1 });
    await isReplayed();
  });

  it("was not there for older deltas: they are replayed as they were booked, refused shares alone too", async () => {
    const names = Object.fromEntries(["a", "b", "c", "d"].map((name) => [`ann/${name}`, [1, 1] as const]));
    const body = refusedBody(0, { ...names, "ann/refused": [0, 3] });
    await apply(body, { inJob: 4096, newInDay: 100 });
    await db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE deltas SET folded = NULL, dropped = NULL`);
      await tx.execute(
        sql`INSERT INTO work (job, user_name, worker, shares, work, best, rejected) VALUES (10, 'ann', 'refused', 0, 0, 0, 3)`,
      );
    });
    await isReplayed();

    await apply(refusedBody(1, { "ann/e": [1, 0], "ann/refused": [0, 9] }));
    expect(await text(db, sql`SELECT rejected FROM work WHERE worker = 'refused'`)).toBe("12");
    await isReplayed();
  });
});
