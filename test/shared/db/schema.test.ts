import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { dumpSchema } from "../../support/schema-dump.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ driver: "pg" });
});
afterAll(() => database.drop());

it("shared/db/schema.sql shows the tables as all migrations leave them; a new one is followed by `npm test -- schema.test.ts -u`", async () => {
  await expect(await dumpSchema(database.db)).toMatchFileSnapshot("../../../shared/db/schema.sql");
});
