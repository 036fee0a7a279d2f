import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { proveBooks } from "../../../shared/audit/prove.ts";
import { readProved } from "../../../shared/db/books-proved.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";
import { insertSealedBlocks } from "../../support/sealed-blocks.ts";

const going = new AbortController().signal;
let database: TestDatabase;
let db: Db;
let calls: number;
/** Called after each statement. */
let onCall: () => void;
beforeEach(async () => {
  database = await createTestDatabase();
  calls = 0;
  onCall = () => undefined;
  const counted = async <T>(answer: Promise<T>): Promise<T> => {
    calls++;
    const value = await answer;
    onCall();
    return value;
  };
  db = {
    ...database.db,
    query: (...args) => counted(database.db.query(...args)),
    execute: (...args) => counted(database.db.execute(...args)),
  };
});
afterEach(() => database.drop());

async function tamper(change: Sql): Promise<void> {
  await database.db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(change);
  });
}

async function callsOf(work: () => Promise<unknown>): Promise<number> {
  calls = 0;
  await work();
  return calls;
}

const amount = (change: number, height: number): Sql =>
  sql`UPDATE payouts SET amount = amount + ${change}::int WHERE job = ${height}::int AND user_name = 'user1'`;

describe("the books, proved from where they were", () => {
  it("agree as often as the audit of everything does, for books that the pool made", async () => {
    await bookEverything(database.db);

    expect(await proveBooks(db, going)).toEqual({ problems: [], isComplete: true });
    expect((await auditBooks(database.db)).problems).toEqual([]);
    expect(await readProved(db)).toMatchObject({ through: 15, ageSeconds: expect.closeTo(0, 0), again: -1 });
  });

  it("cost as many calls after ten times as many blocks", async () => {
    const costs: number[] = [];
    for (const [from, blocks] of [
      [1_000, 100],
      [1_106, 1_000],
    ] as const) {
      await insertSealedBlocks(database.db, { from, blocks, users: 3 });
      await proveBooks(db, going, 0);
      await insertSealedBlocks(database.db, { from: from + blocks, blocks: 6, users: 3 });
      costs.push(await callsOf(() => proveBooks(db, going, 60)));
    }

    expect((await auditBooks(database.db)).problems).toEqual([]);
    expect(costs[1]).toBe(costs[0]);
    // Six new and sixty old blocks, two calls each, and what a page takes.
    expect(costs[0]).toBeLessThan(160);
  });

  it("go no further than the first block that does not agree, and on when it is right again", async () => {
    await insertSealedBlocks(database.db, { from: 1_000, blocks: 120, users: 3 });
    await tamper(amount(1, 1_070));

    const { problems } = await proveBooks(db, going);
    const { through } = await readProved(db);
    const again = await proveBooks(db, going);
    await tamper(amount(-1, 1_070));

    expect(problems).toEqual([expect.stringMatching(/^block 1070: paid is/)]);
    expect(again.problems).toEqual(problems);
    expect(through).toBe(1_049);
    expect(await proveBooks(db, going)).toEqual({ problems: [], isComplete: true });
    expect((await readProved(db)).through).toBe(1_119);
  });

  it("keep what was proved when time is up, and go on from there", async () => {
    await insertSealedBlocks(database.db, { from: 1_000, blocks: 120, users: 3 });
    const short = new AbortController();
    onCall = () => {
      if (calls > 160) short.abort();
    };

    const cut = await proveBooks(db, short.signal);
    const { through, ageSeconds } = await readProved(db);
    onCall = () => undefined;
    const rest = await callsOf(() => proveBooks(db, going, 0));

    expect([cut, ageSeconds]).toEqual([{ problems: [], isComplete: false }, null]);
    expect(through).toBeGreaterThan(1_060);
    expect(through).toBeLessThan(1_090);
    expect(rest).toBeLessThan(140);
    expect(await readProved(db)).toMatchObject({ through: 1_119, ageSeconds: expect.any(Number) });
  });

  it("are looked at again, some each time: what was changed behind the triggers' back is found within a round", async () => {
    await insertSealedBlocks(database.db, { from: 1_000, blocks: 100, users: 3 });
    await proveBooks(db, going, 0);
    await tamper(amount(1, 1_080));

    const looks = [
      (await proveBooks(db, going, 40)).problems.length,
      (await proveBooks(db, going, 40)).problems.length,
      (await proveBooks(db, going, 40)).problems.length,
      (await proveBooks(db, going, 40)).problems.length,
    ];
    const before = await readProved(db);
    await tamper(amount(-1, 1_080));
    const mended = await proveBooks(db, going, 40);

    expect(looks).toEqual([0, 0, 1, 1]);
    expect(before).toMatchObject({ again: 1_079, againAgeSeconds: null });
    expect(mended.problems).toEqual([]);
    expect(await readProved(db)).toMatchObject({ again: -1, againAgeSeconds: expect.any(Number) });
  });

  it("are proved once by two that prove at a time", async () => {
    await insertSealedBlocks(database.db, { from: 1_000, blocks: 120, users: 3 });

    const both = await Promise.all([proveBooks(db, going), proveBooks(db, going)]);

    expect(both.map(({ problems }) => problems)).toEqual([[], []]);
    expect((await readProved(db)).through).toBe(1_119);
  });
});
