import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { readLeaves, restartDeadlines, type SealedBlock, sealedSince } from "../../../shared/db/seals.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addEpoch, addJob, addUsers, closeBody, deltaBody, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const DEADLINE_MS = 30_000;
let database: TestDatabase;
let db: Db;
let nowMs: number;
let events: BooksEvent[];

beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  nowMs = 1_000_000;
  events = [];
  await addUsers(db, "ann", "bob", "cid");
});
afterEach(() => database.drop());

const clock = {
  wallMs: () => nowMs,
  monotonicMs: () => nowMs,
  after: () => ({ stop: () => undefined }),
};
const apply = (body: string): Promise<void> => applyMessage(body, { db, logger: SILENT });
function seal(on: Db = db): Promise<SealedBlock[]> {
  const modules = { db: on, clock, logger: SILENT, onEvent: (event: BooksEvent) => events.push(event) };
  return createSealer({ deadlineMs: DEADLINE_MS }, modules).run();
}
const brief = (blocks: SealedBlock[]): unknown[] =>
  blocks.map(({ height, reward, fee, paid, carriedIn, carried }) => [
    height,
    reward,
    fee,
    paid,
    carriedIn,
    carried,
  ]);
/** As if the database's clock had jumped by `ms` since the last look. */
const jumpBy = (ms: number): Promise<number> =>
  db.execute(
    sql`UPDATE jobs SET looked_at = looked_at - ${ms}::float8 * interval '1 millisecond' WHERE state <> 'sealed'`,
  );
/** Lets `ms` pass, with a look in every twentieth of the deadline. */
async function pass(ms: number, look: () => Promise<unknown> = seal): Promise<void> {
  for (let passed = 0; passed < ms; passed += DEADLINE_MS / 20) {
    await jumpBy(DEADLINE_MS / 20);
    await look();
  }
}
const owed = (user: string): Promise<string | null> =>
  text(db, sql`SELECT owed FROM balances WHERE user_name = ${user}`);

describe("a job that waits too long for its seal", () => {
  it("is an alarm once it was watched for two deadlines, logged once and told at every run", async () => {
    await addJob(db, 10);
    const logged: unknown[] = [];
    const logger = { ...SILENT, error: (...line: unknown[]) => void logged.push(line) };
    const sealer = createSealer(
      { deadlineMs: DEADLINE_MS },
      { db, clock, logger, onEvent: (event) => events.push(event) },
    );
    await sealer.run();
    // The database's own time passes too, and on a busy machine seconds of it.
    await pass(1.5 * DEADLINE_MS, () => sealer.run());
    expect(events).toEqual([]);

    for (let left = 10; left > 0 && events.length === 0; left--)
      await pass(DEADLINE_MS / 20, () => sealer.run());
    await addBlock(db, 9, 0n);
    await sealer.run();

    const overdue = { height: 10, waitsFor: "open" };
    expect(events).toEqual([
      { kind: "overdue", ...overdue },
      { kind: "overdue", ...overdue },
    ]);
    expect(logged).toEqual([["A job waits to be sealed for too long", overdue]]);
  });
});

describe("a job is sealed", () => {
  it("in pages that the Data API carries, however long and full of quotes the names of its workers are", async () => {
    await addJob(db, 10);
    await addJob(db, 11);
    const name = sql`rpad(to_char(n, 'FM0000'), 254, '"')`;
    await db.execute(sql`INSERT INTO users (name) SELECT ${name} FROM generate_series(1, 1700) n`);
    await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
      SELECT 10, ${name}, ${name}, n, n * 65536::numeric, 1 FROM generate_series(1, 1700) n`);
    await addBlock(db, 10, 1_000_003n);

    const leaves = await readLeaves(db, 10);
    const [block] = await seal();

    expect(leaves.map(({ shares }) => Number(shares))).toEqual(Array.from({ length: 1700 }, (_, i) => i + 1));
    expect(block).toMatchObject({ height: 10, shares: (1700n * 1701n) / 2n });
    expect(await text(db, sql`SELECT count(*) FROM payouts WHERE job = 10`)).toBe("1700");
    expect((await auditBooks(db)).problems).toEqual([]);
  });

  it("once its reward is known and a later job stands, and shares the reward by work to the last unit", async () => {
    await addJob(db, 10);
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 2, "bob/x": 1, "ann/b": 1 }));
    const early = await seal();
    await addBlock(db, 10, 1001n);
    const [block] = await seal();

    expect(early).toEqual([]);
    expect(block).toMatchObject({
      height: 10,
      shares: 4n,
      winning: 3,
      reward: 1001n,
      fee: 50n,
      paid: 951n,
      carriedIn: 0n,
      carried: 0n,
      forced: false,
    });
    expect([await owed("ann"), await owed("bob")]).toEqual(["713", "238"]);
    expect(events).toEqual([{ kind: "sealed", block }]);
    expect(await sealedSince(db, 9)).toEqual([block]);
    expect((await auditBooks(db)).problems).toEqual([]);
  });

  it("only after every lower one, and never without its reward", async () => {
    for (const height of [10, 11, 12]) await addJob(db, height);
    await addBlock(db, 11, 500n);
    await seal();
    await pass(3 * DEADLINE_MS);
    const blocked = [...(await seal()), ...(await seal())];
    await addBlock(db, 10, 0n);

    const blocks = await seal();

    expect(blocked).toEqual([]);
    expect(brief(blocks)).toEqual([
      [10, 0n, 0n, 0n, 0n, 0n],
      [11, 500n, 25n, 0n, 0n, 475n],
    ]);
  });

  it("with a reward that nobody worked for carried, without a second fee, to the next block with work", async () => {
    for (const height of [10, 11, 12]) {
      await addJob(db, height);
      await addBlock(db, height, 1000n);
    }
    await apply(deltaBody({ job: 12, seq: 0 }, { "ann/a": 1, "bob/b": 1, "cid/c": 1 }));

    const blocks = await seal();

    expect(brief(blocks)).toEqual([
      [10, 1000n, 50n, 0n, 0n, 950n],
      [11, 1000n, 50n, 0n, 950n, 1900n],
      [12, 1000n, 50n, 2850n, 1900n, 0n],
    ]);
    const audit = await auditBooks(db);
    expect(audit).toMatchObject({
      blocks: 3,
      reward: 3000n,
      fee: 150n,
      paid: 2850n,
      carried: 0n,
      problems: [],
    });
  });

  it("with the reference's split, whose dust is carried", async () => {
    await addJob(db, 10, { split: "reference" });
    await addBlock(db, 10, 1_000_000_000n);
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 1, "bob/b": 1, "cid/c": 1 }));

    const blocks = await seal();

    expect(brief(blocks)).toEqual([[10, 1_000_000_000n, 50_000_000n, 949_999_989n, 0n, 11n]]);
    expect((await auditBooks(db)).problems).toEqual([]);
  });

  it("with rewards of heights that had no job in its carry, but none from before the first job", async () => {
    await addBlock(db, 5, 7777n);
    await addJob(db, 10);
    for (const height of [10, 11, 12, 13]) await addBlock(db, height, 100n);
    await addJob(db, 13);
    await apply(deltaBody({ job: 13, seq: 0 }, { "ann/a": 1 }));

    const blocks = await seal();

    expect(brief(blocks)).toEqual([
      [10, 100n, 5n, 0n, 0n, 95n],
      [13, 100n, 5n, 390n, 295n, 0n],
    ]);
    expect(await auditBooks(db)).toMatchObject({
      blocks: 2,
      reward: 400n,
      fee: 10n,
      paid: 390n,
      problems: [],
    });
  });
});

describe("a job waits for the edges that could have worked on it", () => {
  beforeEach(async () => {
    for (const height of [9, 10, 11]) await addJob(db, height);
    for (const height of [9, 10]) await addBlock(db, height, 1000n);
    await addEpoch(db, { slot: 1, epoch: 1, firstJob: null, lastJob: 9 });
    await addEpoch(db, { slot: 1, epoch: 2, firstJob: 10 });
    await addEpoch(db, { slot: 2, epoch: 1, firstJob: 11 });
    await apply(closeBody({ job: 9, slot: 1, epoch: 1 }, -1));
  });

  it("until the marker is in and every delta up to it", async () => {
    expect(brief(await seal())).toEqual([[9, 1000n, 50n, 0n, 0n, 950n]]);
    await apply(closeBody({ job: 10, slot: 1, epoch: 2 }, 1));
    await apply(deltaBody({ job: 10, seq: 1, slot: 1, epoch: 2 }, { "ann/a": 1 }));
    const gap = await seal();
    await apply(deltaBody({ job: 10, seq: 0, slot: 1, epoch: 2 }, { "bob/a": 1 }));

    const blocks = await seal();

    expect(gap).toEqual([]);
    expect(brief(blocks)).toEqual([[10, 1000n, 50n, 1900n, 950n, 0n]]);
  });

  it("but not beyond the deadline, which counts from when it was first seen closed, and alarms", async () => {
    await seal();
    await pass(DEADLINE_MS - DEADLINE_MS / 20);
    const before = await seal();
    await jumpBy(DEADLINE_MS / 20);
    const [block] = await seal();

    expect(before).toEqual([]);
    expect(block).toMatchObject({ height: 10, forced: true, carried: 1900n });
    const missing = [{ slot: 1, epoch: "2", edgeId: "edge-1", lastSeq: null, applied: 0 }];
    expect(events).toContainEqual({ kind: "forced", height: 10, missing });
  });

  it.each([
    ["forward", 240 * DEADLINE_MS],
    ["back", -240 * DEADLINE_MS],
  ])(
    "for the whole deadline though clocks jump two hours %s: less than a quarter of it is gone",
    async (_, ms) => {
      await seal();
      nowMs += ms;
      const afterWallJump = await seal();
      await jumpBy(ms);
      const afterJump = await seal();
      await pass((DEADLINE_MS * 3) / 4);

      expect([...afterWallJump, ...afterJump]).toEqual([]);
      expect(events.filter(({ kind }) => kind !== "sealed")).toEqual([]);
      await pass(DEADLINE_MS / 4);
      expect(events).toContainEqual(expect.objectContaining({ kind: "forced", height: 10 }));
    },
  );

  it("with the deadline begun anew after the pool itself was down", async () => {
    await seal();
    await pass(DEADLINE_MS - DEADLINE_MS / 20);
    await jumpBy(DEADLINE_MS);
    await restartDeadlines(db);

    const blocks = await seal();

    expect(blocks).toEqual([]);
  });

  it("and books what comes after the deadline to the same users in the oldest open job", async () => {
    await seal();
    await pass(DEADLINE_MS);

    await apply(deltaBody({ job: 10, seq: 0, slot: 1, epoch: 2 }, { "ann/a": 4 }));
    await apply(closeBody({ job: 11, slot: 1, epoch: 2 }, -1));
    await apply(closeBody({ job: 11, slot: 2, epoch: 1 }, -1));
    await addBlock(db, 11, 1000n);
    const blocks = await seal();

    expect(brief(blocks)).toEqual([[11, 1000n, 50n, 2850n, 1900n, 0n]]);
    expect(await owed("ann")).toBe("2850");
    expect((await auditBooks(db)).users.get("ann")).toMatchObject({ accepted: 4n });
  });
});

/** Fails the n-th statement: before it reaches the server, or after, when its answer is lost. */
function failing(inner: Db, at: number, when: "before" | "after"): { db: Db; calls: () => number } {
  let calls = 0;
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    const mine = ++calls;
    const crash = new CodedError("db-away", `crashed ${when} statement ${at}`);
    if (mine > at || (mine === at && when === "before")) throw crash;
    const result = await run();
    if (mine === at) throw crash;
    return result;
  };
  return {
    db: {
      query: (statement, row) => guard(() => inner.query(statement, row)),
      execute: (statement) => guard(() => inner.execute(statement)),
      transaction: (work) => inner.transaction(work),
      close: () => inner.close(),
    },
    calls: () => calls,
  };
}

describe("a sealer that dies", () => {
  it.each(["before", "after"] as const)(
    "%s any of its statements leaves books that the next one finishes alike",
    async (when) => {
      let height = 10;
      let statements = Number.POSITIVE_INFINITY;
      for (let at = 1; at <= statements; at++, height++) {
        await addJob(db, height);
        await addBlock(db, height, 1000n);
        await apply(deltaBody({ job: height, seq: 0 }, { "ann/a": 2, "bob/b": 1 }));
        const broken = failing(db, at, when);

        const crashed = await seal(broken.db).then(
          () => false,
          () => true,
        );
        if (!crashed) statements = at;
        await apply(deltaBody({ job: height, seq: 1 }, { "cid/c": 1 }));
        await seal();
      }

      // Noting, unparking, looking, closing, reading, drafting, sealing, reading back, looking again: all of them crashed once.
      expect(statements).toBeGreaterThan(10);
      const audit = await auditBooks(db);
      expect(audit).toMatchObject({ blocks: statements, problems: [] });
      expect(await text(db, sql`SELECT count(DISTINCT attempt) FROM payouts`)).toBe(`${statements}`);
      // Where the crash came after closing, the last delta was late: it was booked into the job after.
      const accepted = [...audit.users.values()].map((user) => Number(user.accepted) / statements);
      expect(accepted).toEqual([2, 1, 1]);
    },
  );

  it("while others run leaves one seal", async () => {
    for (let height = 10; height < 16; height++) {
      await addJob(db, height);
      await addBlock(db, height, 1000n);
      await apply(deltaBody({ job: height, seq: 0 }, { "ann/a": 2, "bob/b": 1 }));
    }

    const runs = await Promise.all([seal(), seal(), seal(), seal()]);

    expect(
      runs
        .flat()
        .map((block) => block.height)
        .sort(),
    ).toEqual([10, 11, 12, 13, 14, 15]);
    expect(await auditBooks(db)).toMatchObject({ blocks: 6, paid: 5700n, problems: [] });
  });
});
