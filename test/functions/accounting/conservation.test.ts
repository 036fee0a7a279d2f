import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Conservation,
  createBooksWatch,
  createConservation,
} from "../../../functions/accounting/conservation.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { createPoolMetrics, type PoolMetrics } from "../../../infra/pool/metrics.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";
import { type Logger, SILENT } from "../../../shared/logger.ts";
import { addBlock } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

let database: TestDatabase;
let db: Db;
let clock: ManualClock;
let metrics: PoolMetrics;
let alarms: unknown[];
let warnings: string[];
let conservation: Conservation;
const going = new AbortController().signal;
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  await bookEverything(db);
  clock = manualClock();
  metrics = createPoolMetrics();
  alarms = [];
  warnings = [];
  const logger: Logger = {
    ...SILENT,
    error: (_, data) => alarms.push(data?.["problems"]),
    warn: (text) => warnings.push(text),
  };
  conservation = createConservation({ everyMs: 300_000 }, { db, clock, logger, onChecked: metrics.checked });
});
afterEach(() => database.drop());

async function gauge(name: string): Promise<string | undefined> {
  const text = await metrics.registry.metrics();
  return new RegExp(`^prosper_books_${name} (.*)$`, "m").exec(text)?.[1];
}

async function tamper(change: Sql): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(change);
  });
}

describe("the conservation check", () => {
  it("says neither yes nor no before it has looked, then that money is conserved", async () => {
    expect(await gauge("conserved")).toBe("Nan");

    await conservation.sealed(15);
    expect(await gauge("conserved")).toBe("Nan");
    await conservation.checkAll(going);

    expect(await gauge("conserved")).toBe("1");
    expect(await gauge("problems")).toBe("0");
    expect(Number(await gauge("checked_timestamp_seconds"))).toBe(clock.wallMs() / 1000);
    expect(alarms).toEqual([]);
  });

  it.each([
    [
      "its payouts",
      sql`UPDATE payouts SET amount = amount + 1 WHERE job = 15 AND user_name = 'ann'`,
      "its payouts are",
    ],
    [
      "its carry",
      sql`UPDATE jobs SET carried_in = carried_in + 1, carried = carried + 1 WHERE height = 15`,
      "carried in is",
    ],
    ["its reward", sql`UPDATE blocks SET reward = reward + 1 WHERE height = 15`, "the chain paid 10000"],
    [
      "its work",
      sql`UPDATE work SET work = work + 1 WHERE job = 15 AND user_name = 'ann'`,
      "its workers have",
    ],
  ])("raises an alarm at the very seal that does not agree with %s", async (_, change, problem) => {
    await tamper(change);

    await conservation.sealed(15);

    expect(await gauge("conserved")).toBe("0");
    expect(JSON.stringify(alarms)).toContain(problem);
  });

  it("raises an alarm when an old block has changed, and gives the all-clear when it is right again", async () => {
    await conservation.checkAll(going);
    await tamper(sql`UPDATE payouts SET amount = amount + 1 WHERE job = 10 AND user_name = 'bob'`);
    clock.advance(300_000);
    await conservation.checkAll(going);
    const during = [await gauge("conserved"), Number(await gauge("problems")) > 0, alarms.length];
    await tamper(sql`UPDATE payouts SET amount = amount - 1 WHERE job = 10 AND user_name = 'bob'`);
    clock.advance(300_000);
    await conservation.checkAll(going);

    expect(during).toEqual(["0", true, 1]);
    expect([await gauge("conserved"), await gauge("problems")]).toEqual(["1", "0"]);
  });

  it("looks at all books only when it is time to", async () => {
    await conservation.checkAll(going);
    await tamper(sql`UPDATE payouts SET amount = amount + 1 WHERE job = 10 AND user_name = 'bob'`);
    clock.advance(299_999);
    await conservation.checkAll(going);
    const early = await gauge("conserved");
    clock.advance(1);
    await conservation.checkAll(going);

    expect([early, await gauge("conserved")]).toEqual(["1", "0"]);
  });

  it("keeps its verdict while the database cannot be asked, and is no error of a stop", async () => {
    await conservation.checkAll(going);
    clock.advance(300_000);
    await conservation.checkAll(AbortSignal.abort());
    expect(warnings).toEqual([]);
    await db.execute(sql`ALTER TABLE payouts RENAME TO gone`);
    clock.advance(300_000);
    await conservation.checkAll(going);
    await conservation.sealed(15);
    await db.execute(sql`ALTER TABLE gone RENAME TO payouts`);

    expect(warnings).toHaveLength(2);
    expect([await gauge("conserved"), alarms]).toEqual(["1", []]);
  });

  it("of a function looks at what was sealed since its last call, at the newest block first, and at all books in time", async () => {
    const watch = createBooksWatch(
      { everyMs: 300_000, timeoutMs: 60_000 },
      { db, clock, logger: { ...SILENT, error: (_, data) => alarms.push(data?.["problems"]) } },
    );
    await watch();
    const first = alarms.length;
    await tamper(sql`UPDATE payouts SET amount = amount + 1 WHERE job = 15 AND user_name = 'ann'`);
    await watch();
    const before = alarms.length;
    clock.advance(300_000);
    await watch();
    const afterwards = alarms.length;
    // A process that was just started.
    await createBooksWatch(
      { everyMs: 300_000, timeoutMs: 60_000 },
      { db, clock, logger: { ...SILENT, error: (what) => alarms.push(what) } },
    )();

    expect([first, before, afterwards]).toEqual([0, 0, 1]);
    expect(alarms.length).toBe(3);
  });

  it("finds nothing wrong with what the sealer seals", async () => {
    await addBlock(db, 16, 123_456n);
    await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
      VALUES (17, 5, 'x', ''::bytea, '{}', 0, 0.05, 'largest-remainder', 'assigned')`);
    const [block] = await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();

    await conservation.sealed(block?.height ?? 0);

    expect([block?.height, alarms]).toEqual([16, []]);
  });
});
