import { afterAll, beforeAll, expect, it } from "vitest";
import { keepBookedSums } from "../../../shared/db/booked-sums.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { readPayable, showPayable } from "../../../shared/db/payout-batches.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf } from "../../support/accounts.ts";
import { owe, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { mostRowsRead, planOf, statementsOf } from "../../support/plans.ts";
import { insertSealedBlocks } from "../../support/sealed-blocks.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("what payday shows is what is payable, whether the sums are kept, behind or missing", async () => {
  const { db } = database;
  const agree = async (): Promise<void> => expect(await showPayable(db)).toEqual(await readPayable(db));
  await insertSealedBlocks(db, { from: 1000, blocks: 50, users: 60 });
  await owe(db, "corrected", 12n);
  await recordReceipt(db, [
    { entryHash: "ab".repeat(32), user: "user1", address: addressOf("user1"), amount: 7n },
  ]);
  expect((await readPayable(db)).length).toBe(61);
  await agree();

  // Some users a run.
  expect(await keepBookedSums(db, 50)).toBe(50);
  await agree();
  expect(await keepBookedSums(db, 50)).toBe(11);
  expect(await keepBookedSums(db, 50)).toBe(0);
  await agree();

  // A few blocks are added from their payouts; many are put into the sums.
  await insertSealedBlocks(db, { from: 1050, blocks: 10, users: 60 });
  expect(await keepBookedSums(db)).toBe(0);
  await agree();
  await insertSealedBlocks(db, { from: 1060, blocks: 40, users: 60 });
  await agree();
  while ((await keepBookedSums(db)) > 0);
  await agree();
  expect(await text(db, sql`SELECT count(*) FROM booked_sums WHERE through = 1099`)).toBe("61");
});

it("the page reads the payouts behind the sums alone", async () => {
  const { db } = database;
  await db.execute(sql`VACUUM ANALYZE`);
  const [statement] = await statementsOf(db, showPayable);
  if (statement === undefined) throw new Error("nothing was asked");

  expect(mostRowsRead(await planOf(db, statement, { large: true })).get("payouts")).toBe(0);
});
