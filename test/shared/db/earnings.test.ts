import { afterAll, beforeAll, expect, it } from "vitest";
import { bookedWork, minedBlocks } from "../../../shared/db/earnings.ts";
import { sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { insertSealedBlocks } from "../../support/sealed-blocks.ts";

/** More than one statement reads. */
const [FIRST, BLOCKS] = [1000, 3100];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await insertSealedBlocks(db, { from: FIRST, blocks: BLOCKS, users: 2 });
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(sql`UPDATE blocks SET network_hashrate = 123456789.123456 + height`);
  });
});
afterAll(() => database.drop());

const heights = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

// More than a row and an answer of the Data API hold, if each block were a row or all were one.
it("gives the newest blocks that were mined, lowest height first, however many", async () => {
  const all = await minedBlocks(database.db, 10_000);
  expect(all.map(({ height }) => height)).toEqual(heights(FIRST, BLOCKS));
  expect(all[7]).toMatchObject({
    height: 1007,
    networkHashrate: 123456789.123456 + 1007,
    shares: 120n,
    won: 3,
  });
  for (const most of [250, 1440, 1441, BLOCKS])
    expect(await minedBlocks(database.db, most)).toEqual(all.slice(-most));
});

it("gives the newest work that was booked to a user, highest height first", async () => {
  const all = await bookedWork(database.db, "user1", 10_000);
  expect(all.map(({ height }) => height)).toEqual(heights(FIRST, BLOCKS).toReversed());
  for (const most of [250, 1440, 1441, BLOCKS])
    expect(await bookedWork(database.db, "user1", most)).toEqual(all.slice(0, most));
  expect(await bookedWork(database.db, "nobody", 250)).toEqual([]);
});
