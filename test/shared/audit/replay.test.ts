/** The books made again from their records: the same as those that stand. What it finds where they are not: tampering.test.ts. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { type Replay, replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock } from "../../../shared/clock.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { closeJob, sealCandidate } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";
import { replayAfter } from "./replay-after.ts";

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
      db,
      sql`DELETE FROM adjustments`,
      sql`DELETE FROM payments`,
      sql`DELETE FROM money_log`,
    );
    const paid = await replayAfter(db, sql`UPDATE payments SET amount = amount + 1 WHERE user_name = 'ann'`);

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
