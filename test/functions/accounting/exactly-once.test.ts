import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import pg from "pg";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { systemClock } from "../../../shared/clock.ts";
import { applyDelta } from "../../../shared/db/deltas.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { closeJob } from "../../../shared/db/seals.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addEpoch, addJob, addUsers, closeBody, deltaBody, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterEach(() => database.drop());

/** The same shuffle for the same seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** As the queue does: a message whose answer was lost comes again. */
async function untilApplied(on: Db, body: string): Promise<void> {
  for (;;) {
    try {
      return await applyMessage(body, { db: on, logger: SILENT });
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "db-away") throw error;
    }
  }
}

describe("the books are exact", () => {
  it("under shuffled duplicates, eight workers, racing seals and killed connections", async () => {
    const users = ["ann", "bob", "cid", "dan"];
    const jobs = [10, 11, 12];
    await addUsers(db, ...users);
    await addEpoch(db, { slot: 1, epoch: 1, firstJob: 10 });
    for (const job of [...jobs, 13]) await addJob(db, job);
    const messages = jobs.flatMap((job) => {
      const deltas = Array.from({ length: 40 }, (_, seq) => {
        const shares = Object.fromEntries(
          shuffled(users, seq).map((user, i) => [`${user}/rig${i % 2}`, 1 + ((seq + i) % 3)]),
        );
        return deltaBody({ job, seq, slot: 1 }, shares);
      });
      return [...deltas, closeBody({ job, slot: 1 }, 39)];
    });
    const expected = new Map<string, number>();
    for (const message of messages) {
      const { rows = [] } = JSON.parse(message) as { rows?: { user: string; shares: number }[] };
      for (const row of rows) expected.set(row.user, (expected.get(row.user) ?? 0) + row.shares);
    }
    const deliveries = shuffled([...messages, ...messages, ...messages.slice(0, 60)], 7);
    const workers = openPg({ url: database.url, size: 10 });
    // Longer than this takes on any machine: nothing is to be sealed by it.
    const sealer = createSealer({ deadlineMs: 600_000 }, { db: workers, clock: systemClock, logger: SILENT });
    let applied = 0;
    const killer = startKilling(database.url, () => applied);
    for (const job of jobs) await addBlock(db, job, 1_000_003n);

    const lane = async (): Promise<void> => {
      for (let i = 0; deliveries.length > 0 || killer.kills() < 5; i++) {
        await untilApplied(workers, deliveries.pop() ?? messages[i % messages.length] ?? "");
        applied += 1;
        await sealer.run().catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    await killer.stop();
    await sealer.run();
    await workers.close();

    const audit = await auditBooks(db);
    expect(audit).toMatchObject({ blocks: 3, reward: 3_000_009n, carried: 0n, problems: [] });
    const accepted = [...audit.users].map(([name, user]) => [name, Number(user.accepted)]);
    expect(Object.fromEntries(accepted)).toEqual(Object.fromEntries(expected));
    // No job was sealed before all of its work was in.
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE into_job <> job`)).toBe("0");
  });

  it("when seals race the applies of their own jobs: a delta is in the sealed sums or late, never both or neither", async () => {
    await addUsers(db, "ann", "bob");
    const jobs = Array.from({ length: 12 }, (_, i) => 10 + i);
    for (const job of [...jobs, 30]) await addJob(db, job);
    const deliveries = shuffled(
      jobs.flatMap((job) =>
        Array.from({ length: 20 }, (_, seq) => deltaBody({ job, seq }, { "ann/a": 1, "bob/b": 2 })),
      ),
      3,
    );
    const sealer = createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT });
    for (const job of jobs) await addBlock(db, job, 1000n);

    const lane = async (): Promise<void> => {
      for (let body = deliveries.pop(); body !== undefined; body = deliveries.pop())
        await untilApplied(db, body);
    };
    await Promise.all([...Array.from({ length: 6 }, lane), sealer.run(), sealer.run()]);

    const audit = await auditBooks(db);
    expect(audit).toMatchObject({ blocks: 12, problems: [] });
    expect([...audit.users.values()].map((user) => user.accepted)).toEqual([240n, 480n]);
    const late = await text(db, sql`SELECT sum(late_shares) FROM work`);
    expect(late).toBe(await text(db, sql`SELECT count(*) * 3 FROM deltas WHERE into_job <> job`));
  });

  it("because a job is not frozen while a delta is being added to it, nor a delta added to a frozen job", async () => {
    await addUsers(db, "ann");
    for (const job of [10, 11]) await addJob(db, job);
    await addBlock(db, 10, 1000n);
    const impatient = <T>(work: (tx: Db) => Promise<T>): Promise<T> =>
      db.transaction(async (tx) => {
        await tx.execute(sql`SET LOCAL lock_timeout = '30ms'`);
        return work(tx);
      });

    await db.transaction(async (applying) => {
      await applyDelta(applying, deltaBody({ job: 10, seq: 0 }, { "ann/a": 1 }));
      await expect(impatient((tx) => closeJob(tx, 10, false))).rejects.toMatchObject({ code: "db-away" });
    });
    await db.transaction(async (closing) => {
      expect(await closeJob(closing, 10, false)).toMatchObject({ shares: 1n });
      const late = impatient((tx) => applyDelta(tx, deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 })));
      await expect(late).rejects.toMatchObject({ code: "db-away" });
    });

    const body = deltaBody({ job: 10, seq: 1 }, { "ann/a": 1 });
    expect(await applyDelta(db, body)).toMatchObject({ outcome: "applied", intoJob: 11 });
  });

  it("whatever jobs, rewards, splits, work, duplicates, lateness and crashes there are", async () => {
    const users = ["ann", "bob", "cid"];
    await addUsers(db, ...users);
    let height = 100;
    const job = fc.record({
      reward: fc.oneof(fc.constant(0n), fc.bigInt(1n, 900_000_000_000n)),
      feeRate: fc.constantFrom("0", "0.05", "0.12345678", "0.99999999"),
      split: fc.constantFrom("largest-remainder", "reference"),
      hasJob: fc.boolean(),
      shares: fc.array(
        fc.tuple(fc.constantFrom("ann/a", "ann/b", "bob/", "cid/c"), fc.integer({ min: 1, max: 9 })),
        { maxLength: 4 },
      ),
      lateShares: fc.array(fc.tuple(fc.constantFrom("ann/a", "bob/"), fc.integer({ min: 1, max: 9 })), {
        maxLength: 2,
      }),
      crashAt: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { minLength: 1, maxLength: 5 }), async (jobs) => {
        const before = await auditBooks(db);
        let added = 0;
        for (const { reward, feeRate, split, hasJob, shares, lateShares, crashAt } of jobs) {
          const at = height++;
          if (hasJob) await addJob(db, at, { feeRate, split });
          const send = async (seq: number, rows: [string, number][]): Promise<void> => {
            if (!hasJob || rows.length === 0) return;
            const merged = Object.fromEntries(rows);
            added += Object.values(merged).reduce((sum, count) => sum + count, 0);
            const body = deltaBody({ job: at, seq }, merged);
            await Promise.all([untilApplied(db, body), untilApplied(db, body)]);
          };
          await send(0, shares);
          await addBlock(db, at, reward);
          let left = crashAt;
          const crashing: Db = {
            ...db,
            query: (statement, row) =>
              left-- > 0 ? db.query(statement, row) : Promise.reject(new Error("crash")),
          };
          const sealWith = (on: Db) =>
            createSealer({ deadlineMs: 0 }, { db: on, clock: systemClock, logger: SILENT }).run();
          await sealWith(crashing).catch(() => undefined);
          await send(1, lateShares);
          await sealWith(db);
        }
        const audit = await auditBooks(db);

        expect(audit.problems).toEqual([]);
        expect(audit.fee + audit.paid + audit.carried).toBe(audit.reward);
        const sum = (of: typeof audit): number =>
          [...of.users.values()].reduce((n, user) => n + Number(user.accepted), 0);
        expect(sum(audit)).toBe(sum(before) + added);
        const { reward } = await one(
          db,
          sql`SELECT COALESCE(sum(reward), 0)::text AS reward FROM blocks b
            WHERE height BETWEEN (SELECT min(height) FROM jobs) AND (SELECT max(height) FROM jobs WHERE state = 'sealed')`,
          v.object({ reward: v.string() }),
        );
        expect(audit.reward.toString()).toBe(reward);
      }),
      { numRuns: 12, seed: 42 },
    );
  });
});

/** Ends some other busy connection to the database again and again, each time after something was done: on a slow machine nothing else would be. */
function startKilling(url: string, done: () => number): { kills: () => number; stop: () => Promise<void> } {
  const client = new pg.Client({ connectionString: url });
  let kills = 0;
  let isDone = false;
  const run = async (): Promise<void> => {
    await client.connect();
    for (let round = 0; !isDone; round++) {
      const { rowCount } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' ORDER BY pid OFFSET $1 % 3 LIMIT 1`,
        [round],
      );
      kills += rowCount ?? 0;
      const before = done();
      do await sleep(20);
      while (!isDone && rowCount !== 0 && done() === before);
    }
    await client.end();
  };
  const running = run();
  return {
    kills: () => kills,
    stop: () => {
      isDone = true;
      return running;
    },
  };
}
