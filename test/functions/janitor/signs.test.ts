import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { earningSigns } from "../../../functions/janitor/signs.ts";
import { recordSubmission } from "../../../shared/db/jobs.ts";
import type { Db } from "../../../shared/db/port.ts";
import { addBlock } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.drop());

const sent = (height: number, state: "revealed" | "abandoned") =>
  recordSubmission(db, {
    ...{ entryHash: `${state}${height}`, height, oprHash: "ab", nonce: new Uint8Array(9), target: 1n },
    ...{ user: "ann", worker: "rig", edge: 0, state, reason: null },
  });

describe("the signs that a pool earns", () => {
  it("are none where there is no block yet", async () => {
    expect(await earningSigns(db)).toEqual({ blocksWithRecord: 0, rewardlessBlocks: 0 });
  });

  it("count records of ours in the newest six blocks, and blocks in a row without a reward", async () => {
    for (let height = 1; height <= 10; height++) await addBlock(db, height, height === 3 ? 500n : 0n);
    for (const height of [1, 2, 5, 9]) await sent(height, "revealed");
    // It never reached the chain.
    await sent(10, "abandoned");

    expect(await earningSigns(db)).toEqual({ blocksWithRecord: 2, rewardlessBlocks: 7 });
  });
});
