import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EntryCredits } from "../../../edge/chain/entry-credits.ts";
import { recordSubmission } from "../../../shared/db/jobs.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";

/** 144 blocks are a day. */
const BLOCK_MS = 600_000;

describe("the entry credits", () => {
  let database: TestDatabase;
  const clock = manualClock();
  const errors: unknown[] = [];
  let balance = 1440;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  async function daysLeft(): Promise<number | undefined> {
    const credits = new EntryCredits(
      { address: "EC…", blockMs: BLOCK_MS },
      {
        ...{ db: database.db, clock, logger: { ...SILENT, error: (message) => void errors.push(message) } },
        factomd: { entryCreditBalance: async () => balance },
      },
    );
    const stop = new AbortController();
    const running = credits.run(stop.signal);
    await expect.poll(() => credits.daysLeft()).toBeDefined();
    stop.abort();
    await running;
    return credits.daysLeft();
  }

  it("last by one record a block on a new pool, and by what the last day's blocks took on others", async () => {
    expect(await daysLeft()).toBe(10);
    const row = {
      ...{
        oprHash: "ab",
        nonce: new Uint8Array(9),
        target: 1n,
        user: "ann",
        worker: "rig",
        edge: 0,
        reason: null,
      },
    };
    for (let i = 0; i < 288; i++)
      await recordSubmission(database.db, {
        ...row,
        entryHash: `new${i}`,
        height: 2000 + (i % 144),
        state: "revealed",
      });
    for (let i = 0; i < 50; i++) {
      await recordSubmission(database.db, { ...row, entryHash: `old${i}`, height: 1000, state: "revealed" });
      // Never sent, so never paid for.
      await recordSubmission(database.db, { ...row, entryHash: `no${i}`, height: 2100, state: "blocked" });
    }
    expect(await daysLeft()).toBe(5);
    // Roots on the chain are paid from the same address: one of 2 KiB, and one from before that day.
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`INSERT INTO root_entries (no, chain_id, first_height, last_height, entry_hash, raw)
        SELECT n, 'c', 1, CASE WHEN n = 1 THEN 1000 ELSE 2100 END, n::text, repeat('00', 35 + 2048) FROM generate_series(1, 37) n`);
    });
    expect(await daysLeft()).toBe(4);
    expect(errors).toEqual([]);
  });

  it("are an error in the log when they last for less than three days", async () => {
    balance = 600;
    expect(await daysLeft()).toBeLessThan(3);
    expect(errors).toEqual(["the entry credits run out: without them no record gets onto the chain"]);
  });
});
