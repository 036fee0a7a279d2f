import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addRefused, refusedReasons } from "../../../shared/db/refused.ts";
import { confirmWorkers } from "../../../shared/db/workers.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { addUsers } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const NOW_MS = Date.now();
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await addUsers(database.db, "ann");
  await confirmWorkers(database.db, "ann", ["rig"]);
});
afterAll(() => database.drop());

describe("why shares were refused", () => {
  it("adds up by worker and hour; made-up names are counted with the rest, and users without an account not at all", async () => {
    const { db } = database;
    const one = { user: "ann", atMs: NOW_MS, reason: "stale" as const };
    await addRefused(db, [
      { ...one, worker: "rig", shares: 2 },
      { ...one, worker: "made-up-1", shares: 3 },
      { ...one, worker: "made-up-2", shares: 4 },
      { ...one, user: "nobody", worker: "rig", shares: 100 },
    ]);
    await addRefused(db, [
      { ...one, worker: "rig", shares: 5 },
      { ...one, worker: "rig", reason: "duplicate", shares: 1 },
      { ...one, worker: "rig", atMs: NOW_MS - 30 * 3_600_000, shares: 50 },
    ]);
    const sinceMs = NOW_MS - 24 * 3_600_000;

    expect(await refusedReasons(db, "ann", "rig", sinceMs)).toEqual([
      { reason: "stale", shares: 7n },
      { reason: "duplicate", shares: 1n },
    ]);
    expect(await refusedReasons(db, "ann", REST_WORKER, sinceMs)).toEqual([{ reason: "stale", shares: 7n }]);
    expect(await refusedReasons(db, "ann", undefined, sinceMs)).toEqual([
      { reason: "stale", shares: 14n },
      { reason: "duplicate", shares: 1n },
    ]);
    expect(await refusedReasons(db, "nobody", undefined, sinceMs)).toEqual([]);
  });
});
