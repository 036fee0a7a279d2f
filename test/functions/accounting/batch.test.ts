import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { applyMessages } from "../../../functions/accounting/batch.ts";
import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { applyDeltas } from "../../../shared/db/deltas.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";
import { closeJob } from "../../../shared/db/seals.ts";
import { type Activity, poolActivity, poolMinutes } from "../../../shared/db/stats.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { addBlock, addJob, addUsers, closeBody, deltaBody, sharesOf, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
let events: BooksEvent[];
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  events = [];
  await addUsers(db, "ann", "bob");
  await addJob(db, 10);
});
afterEach(() => database.drop());

const LIMITS = { inJob: 3, newInDay: 3 };

/** The codes of what was refused, `ok` for the rest. */
async function apply(bodies: readonly string[], on: Db = db): Promise<string[]> {
  const modules = { db: on, logger: SILENT, onEvent: (event: BooksEvent) => events.push(event) };
  const results = await applyMessages(bodies, { ...modules, workerLimits: LIMITS });
  return results.map((result) => {
    if (result.status === "fulfilled") return "ok";
    return result.reason instanceof CodedError ? result.reason.code : "unexpected";
  });
}

/** What the books say, without the times at which they were written. */
async function books(): Promise<(string | null)[]> {
  const tables = ["work", "tallies", "worker_minutes", "pool_minutes", "workers_seen"].map(
    (name) => sql`SELECT jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)) FROM ${{ text: name, values: [] }} t`,
  );
  const deltas = sql`SELECT jsonb_agg(to_jsonb(t) - 'applied_at' ORDER BY job, slot, epoch, seq) FROM deltas t`;
  const found: (string | null)[] = [];
  for (const statement of [...tables, deltas]) found.push(await text(db, statement));
  return found;
}

async function isReplayed(): Promise<void> {
  const replay = await replayBooks(db, { named: 20 });
  expect(replay.audit.problems).toEqual([]);
  expect(replay.differences).toBe(0);
}

/** Another body under the same key. */
const judged = (body: string): string =>
  body.replaceAll('"rejected":1', '"rejected":0,"judged":"7","sent":1');

describe("a batch of messages", () => {
  it("books what its messages book one by one, the same workers in many of them", async () => {
    await addJob(db, 11, { credit: "achieved" });
    const bodies = [
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "bob/b": 2 }),
      judged(deltaBody({ job: 10, seq: 1 }, { "ann/a": 4 })),
      deltaBody({ job: 11, seq: 0, slot: 3 }, { "ann/a": 8 }, 70_000n << 47n),
      closeBody({ job: 10 }, 2),
      judged(deltaBody({ job: 10, seq: 2 }, { "bob/b": 16, "ann/a": 32 })),
      deltaBody({ job: 11, seq: 1, slot: 3 }, { "ann/a": 64 }, (70_000n << 48n) - 1n),
    ];
    expect(await apply(bodies)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
    const batched = await books();
    expect([await sharesOf(db, 10, "ann"), await sharesOf(db, 10, "bob")]).toEqual([37, 18]);
    await isReplayed();

    await database.drop();
    database = await createTestDatabase();
    db = database.db;
    await addUsers(db, "ann", "bob");
    await addJob(db, 10);
    await addJob(db, 11, { credit: "achieved" });
    for (const body of bodies) await applyMessage(body, { db, logger: SILENT, workerLimits: LIMITS });

    expect(batched).toEqual(await books());
  });

  it("touches each row once, whatever many messages it has", async () => {
    const bodies = Array.from({ length: 50 }, (_, seq) => deltaBody({ job: 10, seq }, { "ann/a": 1 }));
    await apply([deltaBody({ job: 10, seq: 99 }, { "ann/a": 1 })]);
    await db.execute(sql`CREATE TABLE touched (n integer)`);
    await db.execute({
      text: `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touched VALUES (1); RETURN NULL; END $$`,
      values: [],
    });
    await db.execute(
      sql`CREATE TRIGGER work_touched AFTER UPDATE ON work FOR EACH ROW EXECUTE FUNCTION touch()`,
    );

    await apply(bodies);

    expect(await text(db, sql`SELECT count(*) FROM touched`)).toBe("1");
    expect(await sharesOf(db, 10, "ann")).toBe(51);
  });

  it("with poison in it books all the rest, and refuses each poison by its own name", async () => {
    await apply([deltaBody({ job: 10, seq: 5 }, { "ann/a": 1 })]);
    events = [];

    const codes = await apply([
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }),
      "poison",
      deltaBody({ job: 10, seq: 1 }, { "ann/a": 1, "eve/x": 1 }),
      deltaBody({ job: 99, seq: 0 }, { "ann/a": 1 }),
      deltaBody({ job: 10, seq: 5 }, { "ann/a": 2 }),
      deltaBody({ job: 10, seq: 5 }, { "ann/a": 1 }),
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }),
      deltaBody({ job: 10, seq: 0 }, { "ann/a": 3 }),
      deltaBody({ job: 10, seq: 1 }, { "bob/b": 1 }),
    ]);

    const [malformed, user, job] = ["summary-malformed", "summary-unknown-user", "summary-unknown-job"];
    const conflict = "summary-conflict";
    expect(codes).toEqual(["ok", malformed, user, job, conflict, "ok", "ok", conflict, "ok"]);
    expect(events.filter(({ kind }) => kind === "dup")).toHaveLength(2);
    expect([await sharesOf(db, 10, "ann"), await sharesOf(db, 10, "bob")]).toEqual([2, 1]);
    expect(await text(db, sql`SELECT count(*) FROM deltas`)).toBe("3");
    await isReplayed();
  });

  it("that the database fails at is applied one by one, so that one message does not sink the others", async () => {
    const tooMany = deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 }).replace(
      '"shares":1',
      '"shares":9007199254740991',
    );
    await db.execute(sql`INSERT INTO work VALUES (10, 'ann', 'a', 9223372036854775000, 1, 1)`);

    const codes = await apply([
      deltaBody({ job: 10, seq: 0 }, { "bob/b": 1 }),
      tooMany,
      deltaBody({ job: 10, seq: 2 }, { "bob/b": 1 }),
    ]);

    expect(codes).toEqual(["ok", "db-error", "ok"]);
    expect(events[0]).toEqual({ kind: "unbatched", job: 10, messages: 3, code: "db-error" });
    expect(await sharesOf(db, 10, "bob")).toBe(2);
    expect(await text(db, sql`SELECT string_agg(seq::text, ',' ORDER BY seq) FROM deltas`)).toBe("0,2");
  });

  it("blames no message where the database is away", async () => {
    const away = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 1000 });
    const bodies = [0, 1].map((seq) => deltaBody({ job: 10, seq }, { "ann/a": 1 }));

    expect(await apply(bodies, away)).toEqual(["db-away", "db-away"]);
    await away.close();
  });

  it("of more than a statement takes is applied in several", async () => {
    const padding = " ".repeat(47 * 1024);
    const bodies = Array.from(
      { length: 30 },
      (_, seq) => deltaBody({ job: 10, seq }, { "ann/a": 1 }) + padding,
    );

    expect(new Set(await apply(bodies))).toEqual(new Set(["ok"]));
    expect(await sharesOf(db, 10, "ann")).toBe(30);
  });

  it("decides the names of all at once: the owner's room is not taken by those that come first", async () => {
    await db.execute(sql`INSERT INTO workers VALUES ('ann', 'own', 'own')`);
    const names = ["p", "q", "r", "own"].map((name, seq) =>
      deltaBody({ job: 10, seq }, { [`ann/${name}`]: 1 }),
    );

    await apply([...names, deltaBody({ job: 10, seq: 9 }, { "ann/s": 1, "bob/b": 1 })]);

    const rows = sql`SELECT string_agg(worker, ',' ORDER BY worker) FROM work WHERE user_name = 'ann'`;
    expect(await text(db, rows)).toBe(`${REST_WORKER},own,p`);
    const record = sql`SELECT string_agg(seq || folded::text, ' ' ORDER BY seq) FROM deltas`;
    expect(await text(db, record)).toBe("0{} 1{0} 2{0} 3{} 9{0}");
    await isReplayed();
  });

  it("of late work goes into the oldest open job in its unit, delta by delta, and waits while there is none", async () => {
    await addBlock(db, 10, 0n);
    await closeJob(db, 10, false);
    const third = (1n << 48n) / 3n;
    expect(await apply([0, 1].map((seq) => deltaBody({ job: 10, seq }, { "ann/a": 2 })))).toEqual([
      "ok",
      "ok",
    ]);
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE into_job IS NULL`)).toBe("2");
    await addJob(db, 11, { credit: "achieved" });
    await apply([2, 3].map((seq) => deltaBody({ job: 10, seq }, { "ann/a": 2 })));
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
    await addBlock(db, 11, 1000n);
    await addJob(db, 12);
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();

    // Three thirds of a hash are three hashes when each comes with a delta of its own: work above 0 stays above 0.
    await apply([4, 5, 6].map((seq) => deltaBody({ job: 11, seq }, { "bob/b": 1 }, third)));

    expect(await sharesOf(db, 11, "ann")).toBe(8);
    expect(
      await text(db, sql`SELECT work || '/' || late_shares || '/' || best FROM work WHERE job = 12`),
    ).toBe("3/3/0");
    expect(await auditBooks(db)).toMatchObject({ problems: [] });
    await isReplayed();
  });

  it("is tallied by its own, what an older version inserts while the newer is deployed by the trigger: each once", async () => {
    const body = (seq: number): string => judged(deltaBody({ job: 10, seq }, { "ann/a": 1 }));
    await db.transaction(async (tx) => {
      await applyDeltas(tx, 10, [body(0), body(1)]);
      await tx.execute(sql`INSERT INTO deltas (job, slot, epoch, seq, sha256, body)
        SELECT 10, 0, 1, n, '', ${body(2)} FROM generate_series(2, 4) n`);
    });

    expect(await text(db, sql`SELECT judged || ' ' || sent FROM tallies`)).toBe("35 5");
  });

  it("must be of one job", async () => {
    const mixed = applyDeltas(
      db,
      10,
      [10, 11].map((job) => deltaBody({ job, seq: 0 }, { "ann/a": 1 })),
    );

    await expect(mixed).rejects.toMatchObject({ code: "db-error" });
    expect(await text(db, sql`SELECT count(*) FROM deltas`)).toBe("0");
  });
});

describe("what the pages read", () => {
  const at = (body: string, minute: number): string =>
    body.replace('"fromMs":60000', `"fromMs":${minute * 60_000}`);
  const activity = (nowMinute: number): Promise<Activity> => {
    const nowMs = nowMinute * 60_000 + 59_000;
    return poolActivity(db, { sinceMs: nowMs - 600_000, onlineMs: nowMs - 300_000, nowMs });
  };

  it("is what the workers' minutes come to, in whole hashes, however the messages come", async () => {
    await addJob(db, 11, { credit: "achieved" });
    await apply([
      at(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "ann/p": 2, "ann/q": 3, "ann/r": 0, "bob/b": 4 }), 100),
      at(deltaBody({ job: 10, seq: 1 }, { "ann/a": 5 }), 102),
      at(deltaBody({ job: 11, seq: 0 }, { "bob/b": 6 }, (65_536n << 48n) + 5n), 101),
      at(deltaBody({ job: 10, seq: 1 }, { "ann/a": 5 }), 102),
    ]);
    await apply([at(deltaBody({ job: 10, seq: 2 }, { "bob/b": 7 }), 100)]);

    const sums = sql`SELECT jsonb_agg(to_jsonb(s) ORDER BY minute) FROM (SELECT minute, sum(shares) AS shares, sum(work) AS work,
      sum(rejected) AS rejected FROM worker_minutes GROUP BY minute) s`;
    const kept = sql`SELECT jsonb_agg(to_jsonb(p) ORDER BY minute) FROM pool_minutes p`;
    expect(await text(db, kept)).toBe(await text(db, sums));
    const last = sql`SELECT jsonb_agg(to_jsonb(s) ORDER BY user_name, worker) FROM (SELECT user_name, worker, max(minute) AS minute
      FROM worker_minutes WHERE shares > 0 GROUP BY user_name, worker) s`;
    const seen = sql`SELECT jsonb_agg(to_jsonb(s) ORDER BY user_name, worker) FROM workers_seen s`;
    expect(await text(db, seen)).toBe(await text(db, last));
    expect(await activity(102)).toMatchObject({
      shares: 28n,
      work: 28n * 65_536n,
      firstMs: 6_000_000,
      miners: 2,
      workers: 3,
    });
    expect(await activity(106)).toMatchObject({ shares: 28n, miners: 1, workers: 1 });
    expect(await poolMinutes(db, 101 * 60_000)).toEqual([
      { minuteMs: 101 * 60_000, work: 6n * 65_536n },
      { minuteMs: 102 * 60_000, work: 5n * 65_536n },
    ]);
  });

  it("counts a worker whose edge's clock was ahead, and was set right", async () => {
    const now = Math.floor(Date.now() / 60_000);
    await apply([at(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }), now + 600)]);
    expect(await activity(now)).toMatchObject({ shares: 0n, workers: 0 });

    await apply([at(deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 }), now)]);

    expect(await activity(now)).toMatchObject({ shares: 1n, workers: 1 });
  });
});

describe("the guard of a job's sums refuses, a statement at a time,", () => {
  it.each<[string, Sql]>([
    [
      "one closed job among open ones",
      sql`INSERT INTO work VALUES (12, 'ann', 'new', 1, 1, 1), (11, 'ann', 'new', 1, 1, 1)`,
    ],
    [
      "an upsert",
      sql`INSERT INTO work VALUES (11, 'bob', 'b', 1, 1, 1) ON CONFLICT (job, user_name, worker) DO UPDATE SET shares = 5`,
    ],
    ["a change of one row", sql`UPDATE work SET shares = shares + 1 WHERE job IN (11, 12)`],
    ["the end of one row", sql`DELETE FROM work WHERE job IN (11, 12)`],
    ["a row moved out of a closed job", sql`UPDATE work SET job = 12 WHERE job = 11 AND user_name = 'bob'`],
    ["a row moved between open jobs", sql`UPDATE work SET job = 13 WHERE job = 12`],
  ])("%s", async (_, statement) => {
    for (const job of [11, 12, 13]) await addJob(db, job);
    await apply([11, 12].map((job) => deltaBody({ job, seq: 0 }, { "ann/a": 1, "bob/b": 1 })));
    await addBlock(db, 10, 0n);
    await addBlock(db, 11, 0n);
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
    const before = await books();

    await expect(db.execute(statement)).rejects.toMatchObject({ data: { sqlstate: "BK001" } });
    expect(await books()).toEqual(before);
  });
});
