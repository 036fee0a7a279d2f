import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { closeJob } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, closeBody, deltaBody, sharesOf, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

describe("the database refuses", () => {
  let database: TestDatabase;
  let db: Db;
  const apply = (body: string): Promise<void> => applyMessage(body, { db, logger: SILENT });
  beforeAll(async () => {
    database = await createTestDatabase();
    db = database.db;
    await addUsers(db, "ann", "bob", "cid");
    await addJob(db, 10);
    await addBlock(db, 10, 1000n);
    await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 2, "bob/b": 1 }));
    await apply(closeBody({ job: 10 }, 0));
    await addJob(db, 11);
    await createSealer({ deadlineMs: 1000 }, { db, clock: systemClock, logger: SILENT }).run();
    await db.execute(sql`INSERT INTO work VALUES (11, 'ann', 'a', 0, 0, 0)`);
    await db.execute(
      sql`INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('ann', 5, 'gift', 'test')`,
    );
    await db.execute(
      sql`INSERT INTO payments (entry_hash, user_name, address, amount) VALUES ('e1', 'ann', 'FA', 1)`,
    );
  });

  afterAll(() => database.drop());

  it.each([
    ["a sealed job's money", sql`UPDATE jobs SET paid = paid + 1, fee = fee - 1 WHERE height = 10`],
    ["a sealed job's state", sql`UPDATE jobs SET state = 'open' WHERE height = 10`],
    ["a job's fee rate", sql`UPDATE jobs SET fee_rate = 0 WHERE height = 11`],
    ["a job's end", sql`DELETE FROM jobs WHERE height = 11`],
    [
      "a jump over closing",
      sql`UPDATE jobs SET state = 'sealed', fee = 0, paid = 0, carried = 0, reward = 0, carried_in = 0 WHERE height = 11`,
    ],
    ["sealed work", sql`UPDATE work SET work = work + 1 WHERE job = 10`],
    ["more sealed work", sql`INSERT INTO work VALUES (10, 'cid', '', 1, 1, 1)`],
    ["less sealed work", sql`DELETE FROM work WHERE job = 10`],
    ["work moved into a sealed job", sql`UPDATE work SET job = 10 WHERE job = 11`],
    ["another payout", sql`INSERT INTO payouts VALUES (10, 'x', 'cid', 1, 1, 1)`],
    ["a changed payout", sql`UPDATE payouts SET amount = amount + 1 WHERE job = 10`],
    ["a lost payout", sql`DELETE FROM payouts WHERE job = 10`],
    ["a changed block", sql`UPDATE blocks SET reward = reward + 1`],
    ["a changed delta", sql`UPDATE deltas SET body = '{}'`],
    ["a moved delta", sql`UPDATE deltas SET into_job = 11`],
    ["a lost delta", sql`DELETE FROM deltas`],
    ["a changed close marker", sql`UPDATE close_markers SET last_seq = 9`],
    ["a changed adjustment", sql`UPDATE adjustments SET amount = 6`],
    ["a lost adjustment", sql`DELETE FROM adjustments`],
    ["a changed payment", sql`UPDATE payments SET amount = 2`],
    ["a lost payment", sql`DELETE FROM payments`],
    [
      "a job at a closed height",
      sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
        VALUES (9, 5, '', '', '{}', 0, 0, 'reference', 'assigned')`,
    ],
  ])("%s", async (_, statement) => {
    await expect(db.execute(statement)).rejects.toMatchObject({ data: { sqlstate: "BK001" } });
  });

  it("a seal that does not agree with the frozen sums", async () => {
    await apply(deltaBody({ job: 11, seq: 0 }, { "ann/a": 1 }));
    await addBlock(db, 11, 100n);
    const frozen = await closeJob(db, 11, false);
    const row = JSON.stringify([{ user: "ann", shares: "1", work: "65536", amount: "95" }]);
    await db.execute(sql`SELECT books_draft(11, 'a', ${row})`);
    const good = { fee: "5", paid: "95", carried: "0", root: "r", leaves: 1, atMs: 0 };

    const seals = [
      { fee: "4" },
      { paid: "96" },
      { carried: "1" },
      { leaves: 2 },
      { fee: "4", carried: "1" },
      { fee: "6", paid: "94" },
    ];
    for (const wrong of seals) {
      const attempt = db.execute(sql`SELECT books_seal(11, 'a', ${JSON.stringify({ ...good, ...wrong })})`);
      await expect(attempt).rejects.toMatchObject({ data: { sqlstate: "BK002" } });
    }
    await expect(db.execute(sql`SELECT books_seal(11, 'b', ${JSON.stringify(good)})`)).rejects.toThrow(
      "does not agree",
    );
    await db.execute(sql`SELECT books_seal(11, 'a', ${JSON.stringify(good)})`);

    expect(frozen).toMatchObject({ state: "closing", shares: 1n });
    expect(await text(db, sql`SELECT state FROM jobs WHERE height = 11`)).toBe("sealed");
    expect(await sharesOf(db, 11, "ann")).toBe(1);
  });
});
