import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { one, sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const slow = v.object({ slept: v.boolean() });

describe("the Data API driver", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false, driver: "data-api" });
  });
  afterAll(() => database.drop());

  it("waits for a statement longer than it keeps idle connections, and for one after another pause", async () => {
    const sleep = (seconds: number): Promise<unknown> =>
      one(database.db, sql`SELECT pg_sleep(${seconds}) IS NOT NULL AS slept`, slow);

    expect(await sleep(4.5)).toEqual({ slept: true });
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(await Promise.all([sleep(0.01), sleep(0.01)])).toEqual([{ slept: true }, { slept: true }]);
  });
});
