import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { type Replay, replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { type Db, type Sql, sql } from "../../../shared/db/port.ts";
import { closeJob, sealCandidate } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

let database: TestDatabase;
let db: Db;
let honest: Replay;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  await bookEverything(db);
  honest = await replayBooks(db, { named: 20 });
});
afterAll(() => database.drop());

class Undo extends Error {}

/** The replay of books changed as a superuser with the triggers off; they are as before afterwards. */
async function replayAfter(...changes: Sql[]): Promise<Replay> {
  const found: Replay[] = [];
  const tampered = db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    for (const change of changes) expect(await tx.execute(change)).toBeGreaterThan(0);
    // Inside this very transaction: nobody else sees the change.
    const inner: Db = { ...tx, transaction: (work) => work({ ...tx, execute: async () => 0 }) };
    found.push(await replayBooks(inner, { named: 20 }));
    throw new Undo();
  });
  await expect(tampered).rejects.toThrow(Undo);
  const [replay] = found;
  if (replay === undefined) throw new Error("no replay");
  return replay;
}

describe("a replay", () => {
  it("makes the very books that stand, from the deltas and the decisions alone", async () => {
    expect(honest.audit.problems).toEqual([]);
    expect(honest).toMatchObject({ differences: 0, deltas: 8, through: 15 });
    expect(honest.audit).toEqual(await auditBooks(db));
    expect(honest.audit.blocks).toBe(4);
    expect(honest.audit.reward).toBe(1_000_003n + 500n + 77_777n + 42n + 9_999n);
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE into_job <> job`)).toBe("3");
    expect(await text(db, sql`SELECT sum(late_shares) FROM work`)).toBe("5");
    expect(await sealCandidate(db)).toMatchObject({ height: 16 });
  });

  it("tells how far it is, job by job", async () => {
    const seen: [number, number][] = [];
    await replayBooks(db, { named: 1, onProgress: (done, total) => seen.push([done, total]) });

    expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  });

  it("counts parked work as accepted, as the audit does", async () => {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    await other.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE deltas SET into_job = NULL WHERE job = 16`);
      await tx.execute(sql`DELETE FROM work WHERE job = 16`);
    });
    const replay = await replayBooks(other.db, { named: 20 });

    expect(replay.audit).toEqual(await auditBooks(other.db));
    await other.drop();
  });

  it("finds nothing wrong with a job between its closing and its seal", async () => {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    await addBlock(other.db, 16, 100n);
    await addBlock(other.db, 17, 5n);
    await addJob(other.db, 18);
    await addBlock(other.db, 18, 1n);
    await createSealer({ deadlineMs: 0 }, { db: other.db, clock: systemClock, logger: SILENT }).run();
    await addJob(other.db, 20);
    await addBlock(other.db, 19, 7n);
    await addBlock(other.db, 20, 7n);
    await closeJob(other.db, 20, false);
    const replay = await replayBooks(other.db, { named: 20 });

    expect(replay).toMatchObject({ differences: 0, through: 18 });
    expect(replay.audit).toEqual(await auditBooks(other.db));
    await other.drop();
  });

  it("has one hash for the same books on any machine, which every booked unit changes", async () => {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    // Times of adjustments and payments are part of the books.
    await other.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`TRUNCATE adjustments, payments, money_log`);
    });
    const bare = await replayBooks(other.db, { named: 20 });
    const stripped = await replayAfter(
      sql`DELETE FROM adjustments`,
      sql`DELETE FROM payments`,
      sql`DELETE FROM money_log`,
    );
    const paid = await replayAfter(sql`UPDATE payments SET amount = amount + 1 WHERE user_name = 'ann'`);

    expect(bare).toMatchObject({ differences: 0, sha256: stripped.sha256 });
    expect((await replayBooks(db, { named: 20 })).sha256).toBe(honest.sha256);
    expect(new Set([honest.sha256, stripped.sha256, paid.sha256]).size).toBe(3);
    await other.drop();
  });

  it("knows adjustments and payments that were made before there was a chain of them", async () => {
    const other = await createTestDatabase({ migrated: false });
    const [older, newer] = [loadMigrations().filter(({ version }) => version < 30), loadMigrations()];
    await migrate(other.db, older);
    await addUsers(other.db, "ann", "bob");
    await other.db.execute(
      sql`INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('ann', 500, 'gift', 'x'), ('bob', -5, 'slip', 'x')`,
    );
    await other.db.execute(
      sql`INSERT INTO payments (entry_hash, user_name, address, amount) VALUES ('e1', 'ann', 'FA', 100)`,
    );
    await migrate(other.db, newer);

    expect(await replayBooks(other.db, { named: 20 })).toMatchObject({ differences: 0, through: -1 });
    expect(await text(other.db, sql`SELECT string_agg(kind, ' ' ORDER BY id) FROM money_log`)).toBe(
      "adjustment adjustment payment",
    );
    await other.drop();
  });

  it("names the first differences only, and counts all", async () => {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    await other.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE work SET shares = shares + 1`);
    });
    const replay = await replayBooks(other.db, { named: 2 });

    expect(replay.audit.problems).toHaveLength(2);
    expect(replay.differences).toBeGreaterThanOrEqual(10);
    await other.drop();
  });
});

const sha = (body: string): string => createHash("sha256").update(body).digest("hex");

describe("a replay finds and names", () => {
  const body = (job: number, seq: number, shares: number): string =>
    JSON.stringify({
      v: 1,
      kind: "delta",
      job,
      slot: 0,
      epoch: 1,
      seq,
      fromMs: 0,
      toMs: 0,
      rows: [
        {
          user: "ann",
          worker: "a",
          shares,
          work: String(65_536 * shares),
          best: "18446462598732840960",
          rejected: 1,
        },
      ],
    });
  const swapped = body(15, 0, 50);

  it.each<[string, Sql[], string]>([
    [
      "shares of a worker",
      [sql`UPDATE work SET shares = shares + 1 WHERE job = 10 AND user_name = 'cid'`],
      "job 10, work of cid/c: shares is 8, the records make 7",
    ],
    [
      "work of a worker",
      [sql`UPDATE work SET work = work - 1 WHERE job = 10 AND user_name = 'cid'`],
      "job 10, work of cid/c: work is 458751, the records make 458752",
    ],
    [
      "work of a job that still runs",
      [sql`UPDATE work SET work = work + 1 WHERE job = 16`],
      "job 16, work of cid/c: work is 589825, the records make 589824",
    ],
    [
      "a worker's best",
      [sql`UPDATE work SET best = 1 WHERE job = 10 AND worker = ''`],
      "job 10, work of ann/: best is 1",
    ],
    [
      "refused shares",
      [sql`UPDATE work SET rejected = 0 WHERE job = 10 AND user_name = 'cid'`],
      "job 10, work of cid/c: rejected is 0, the records make 1",
    ],
    [
      "late shares",
      [sql`UPDATE work SET late_shares = 0 WHERE job = 12 AND user_name = 'dan'`],
      "job 12, work of dan/: lateShares is 0, the records make 1",
    ],
    [
      "a worker that never worked",
      [sql`INSERT INTO work VALUES (10, 'dan', 'x', 1, 1, 1)`],
      "job 10, work of dan/x: the records make no such row",
    ],
    [
      "a worker left out",
      [sql`DELETE FROM work WHERE job = 10 AND user_name = 'bob'`],
      "job 10, work of bob/b: there is no such row, the records make one",
    ],
    [
      "work under another name",
      [sql`UPDATE work SET user_name = 'dan' WHERE job = 10 AND user_name = 'bob'`],
      "job 10, work of dan/b: the records make no such row",
    ],
    [
      "work of a job that never was",
      [sql`INSERT INTO work VALUES (14, 'ann', 'x', 1, 1, 1)`],
      "job 14: it does not exist, but has work",
    ],
    [
      "a payout",
      [sql`UPDATE payouts SET amount = amount + 1 WHERE job = 10 AND user_name = 'bob'`],
      "block 10, payout of bob: amount is",
    ],
    [
      "a payout's work",
      [sql`UPDATE payouts SET work = work + 1 WHERE job = 12 AND user_name = 'ann'`],
      "block 12, payout of ann: work is",
    ],
    [
      "a payout left out",
      [sql`DELETE FROM payouts WHERE job = 15 AND user_name = 'bob'`],
      "block 15, payout of bob: there is no such row",
    ],
    [
      "a payout made up",
      [sql`INSERT INTO payouts SELECT job, attempt, 'dan', 0, 0, 5 FROM payouts WHERE job = 15 LIMIT 1`],
      "block 15, payout of dan: the records make no such row",
    ],
    [
      "a payout of no seal",
      [sql`INSERT INTO payouts VALUES (15, 'x', 'dan', 0, 0, 5)`],
      "block 15: 1 payouts belong to no seal",
    ],
    [
      "a payout of an open job",
      [sql`INSERT INTO payouts VALUES (16, 'x', 'dan', 0, 0, 5)`],
      "job 16: it is open, but has payouts",
    ],
    [
      "a fee",
      [sql`UPDATE jobs SET fee = fee + 1, paid = paid - 1 WHERE height = 10`],
      "block 10: fee is 50001, the records make 50000",
    ],
    [
      "what was paid",
      [sql`UPDATE jobs SET paid = paid - 1, carried = carried + 1 WHERE height = 10`],
      "block 10: paid is 950002",
    ],
    [
      "a carry",
      [sql`UPDATE jobs SET carried_in = carried_in + 1, carried = carried + 1 WHERE height = 15`],
      "block 15: carriedIn is",
    ],
    [
      "what is carried on",
      [sql`UPDATE jobs SET carried = carried - 1, fee = fee + 1 WHERE height = 11`],
      "block 11: carried is 449, the records make 450",
    ],
    ["a root", [sql`UPDATE jobs SET root = md5(root) WHERE height = 12`], "block 12: root is"],
    [
      "an attempt's name",
      [
        sql`UPDATE jobs SET attempt = 'x' WHERE height = 12`,
        sql`UPDATE payouts SET attempt = 'x' WHERE job = 12`,
      ],
      "block 12: attempt is x",
    ],
    ["a job's shares", [sql`UPDATE jobs SET shares = shares + 1 WHERE height = 12`], "block 12: shares is"],
    ["a job's work", [sql`UPDATE jobs SET work = work + 1 WHERE height = 12`], "block 12: work is"],
    [
      "a job's places",
      [sql`UPDATE jobs SET winning = 25 WHERE height = 12`],
      "block 12: winning is 25, the records make 3",
    ],
    [
      "a job's reward",
      [sql`UPDATE jobs SET reward = reward + 1, carried = carried + 1 WHERE height = 12`],
      "block 12: reward is 77778",
    ],
    [
      "a fee rate",
      [sql`UPDATE jobs SET fee_rate = 0 WHERE height = 10`],
      "block 10: fee is 50000, the records make 0",
    ],
    ["a split", [sql`UPDATE jobs SET split = 'largest-remainder' WHERE height = 12`], "block 12: paid is"],
    [
      "a credit mode",
      [sql`UPDATE jobs SET credit = 'assigned' WHERE height = 12`],
      "job 12, work of bob/late: work is",
    ],
    [
      "a job opened again",
      [sql`UPDATE jobs SET state = 'open' WHERE height = 11`],
      "job 11: it is not sealed though a higher one is",
    ],
    ["a job left out", [sql`DELETE FROM jobs WHERE height = 11`], "delta 11/0/1/0: its job does not exist"],
    [
      "a block's reward",
      [sql`UPDATE blocks SET reward = reward + 1 WHERE height = 10`],
      "block 10: reward is 1000003, the records make 1000004",
    ],
    [
      "a block left out",
      [sql`DELETE FROM blocks WHERE height = 10`],
      "block 10: it is sealed, but the chain's block is not there",
    ],
    [
      "whose a place is",
      [sql`UPDATE block_places SET ours = false WHERE position = 1`],
      "block 15: reward is 9999, the records make 0",
    ],
    [
      "a jobless reward",
      [sql`UPDATE jobless_rewards SET reward = 41 WHERE height = 13`],
      "block 13, without a job: reward is 41, the records make 40",
    ],
    [
      "a jobless reward left out",
      [sql`DELETE FROM jobless_rewards WHERE height = 14`],
      "block 14: it paid us without a job, and its reward is booked nowhere",
    ],
    [
      "a jobless reward moved",
      [sql`UPDATE jobless_rewards SET into_job = 16 WHERE height = 13`],
      "block 15: carriedIn is",
    ],
    [
      "a jobless reward of a job",
      [sql`INSERT INTO jobless_rewards VALUES (12, 77777, 15)`],
      "block 12, without a job: reward is 77777, the records make nothing",
    ],
    [
      "a delta's body",
      [sql`UPDATE deltas SET body = ${swapped} WHERE job = 15`],
      "delta 15/0/1/0: sha256 is",
    ],
    [
      "a delta's body and hash",
      [sql`UPDATE deltas SET body = ${swapped}, sha256 = ${sha(swapped)} WHERE job = 15`],
      "job 15, work of ann/a: shares is 2, the records make 51",
    ],
    [
      "a delta that is none",
      [sql`UPDATE deltas SET body = '{}' WHERE job = 15`],
      "delta 15/0/1/0: its body is no delta",
    ],
    [
      "a delta under another key",
      [sql`UPDATE deltas SET seq = 9 WHERE job = 15`],
      "delta 15/0/1/9: seq is 9, the records make 0",
    ],
    [
      "a delta left out",
      [sql`DELETE FROM deltas WHERE job = 10 AND seq = 1`],
      "job 10, work of cid/c: the records make no such row",
    ],
    [
      "a delta made up",
      [sql`INSERT INTO deltas VALUES (15, 0, 1, 7, ${sha(body(15, 7, 1))}, ${body(15, 7, 1)}, 15)`],
      "job 15, work of ann/a: shares is 2, the records make 3",
    ],
    [
      "a late delta moved",
      [sql`UPDATE deltas SET into_job = 15 WHERE job = 10 AND seq = 2`],
      "job 12, work of dan/: the records make no such row",
    ],
    [
      "a delta booked into an earlier job",
      [sql`UPDATE deltas SET into_job = 10 WHERE job = 15`],
      "delta 15/0/1/0: it is booked into job 10, an earlier one",
    ],
    [
      "a delta booked into no job",
      [sql`UPDATE deltas SET into_job = 99 WHERE job = 16`],
      "job 99: deltas are booked into it, but it does not exist",
    ],
    [
      "an adjustment",
      [sql`UPDATE adjustments SET amount = 8 WHERE user_name = 'ann'`],
      "adjustment 1 of ann: amount is 8, the records make -7",
    ],
    [
      "an adjustment's reason",
      [sql`UPDATE adjustments SET reason = 'x' WHERE user_name = 'ann'`],
      "adjustment 1 of ann: reason is x, the records make paid twice",
    ],
    [
      "an adjustment's user",
      [sql`UPDATE adjustments SET user_name = 'bob' WHERE user_name = 'ann'`],
      "adjustment 1 of bob: user is bob, the records make ann",
    ],
    [
      "an adjustment left out",
      [sql`DELETE FROM adjustments WHERE user_name = 'ann'`],
      "money log 1: the adjustment 1 that it tells of is missing",
    ],
    [
      "an adjustment made up",
      [sql`INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('ann', 5, 'r', 'x')`],
      "of ann: the money log does not know it",
    ],
    [
      "a payment",
      [sql`UPDATE payments SET amount = 99 WHERE user_name = 'ann'`],
      "payment f1 to ann: amount is 99, the records make 100",
    ],
    [
      "a payment's address",
      [sql`UPDATE payments SET address = 'FA-x' WHERE user_name = 'ann'`],
      "payment f1 to ann: address is FA-x",
    ],
    [
      "a payment left out",
      [sql`DELETE FROM payments WHERE user_name = 'ann'`],
      "money log 3: the payment f1 ann that it tells of is missing",
    ],
    [
      "a payment made up",
      [sql`INSERT INTO payments VALUES ('f2', 'ann', 'FA', 5)`],
      "payment f2 to ann: the money log does not know it",
    ],
    [
      "the money log's body with the row",
      [
        sql`UPDATE adjustments SET amount = 8 WHERE user_name = 'ann'`,
        sql`UPDATE money_log SET body = replace(body, '"-7"', '"8"') WHERE id = 1`,
      ],
      "money log 1: sha256 is",
    ],
    [
      "the money log's hash",
      [sql`UPDATE money_log SET sha256 = md5(sha256) WHERE id = 1`],
      "money log 2: sha256 is",
    ],
    [
      "the money log and its row left out",
      [sql`DELETE FROM money_log WHERE id = 2`, sql`DELETE FROM adjustments WHERE user_name = 'dan'`],
      "money log 3: the one before it, 2, is missing",
    ],
    [
      "a user left out",
      [sql`DELETE FROM users WHERE name = 'bob'`],
      "user bob: money is booked, but there is no such user",
    ],
    [
      "a balance",
      [
        sql`CREATE OR REPLACE VIEW balances AS SELECT name AS user_name, payout_address, 0::numeric AS booked, 0::numeric AS adjusted,
      0::numeric AS paid_out, 0::numeric AS owed FROM users`,
      ],
      "user ann: booked is 0, the records make",
    ],
  ])("%s changed behind the triggers' back", async (_, changes, named) => {
    const isView = changes.some(({ text: statement }) => statement.startsWith("CREATE"));
    const replay = isView ? await replayWithView(changes) : await replayAfter(...changes);

    expect(replay.differences).toBeGreaterThan(0);
    expect(replay.audit.problems.join("\n")).toContain(named);
  });

  async function replayWithView(changes: Sql[]): Promise<Replay> {
    const other = await createTestDatabase();
    await bookEverything(other.db);
    for (const change of changes) await other.db.execute(change);
    const replay = await replayBooks(other.db, { named: 20 });
    await other.drop();
    return replay;
  }
});
