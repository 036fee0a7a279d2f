/** What every driver behind the database port must do alike: `pg` and the RDS Data API. */

import { afterAll, beforeAll, describe } from "vitest";
import { sql } from "../../../shared/db/port.ts";
import type { TestDatabase } from "../database.ts";
import { describeCuts } from "./db/cuts.ts";
import { describeParameters } from "./db/parameters.ts";
import { describeResults } from "./db/results.ts";
import { describeStatements } from "./db/statements.ts";
import { describeTransactions } from "./db/transactions.ts";
import { underTest } from "./db/under-test.ts";

/** A database with nothing in it, over the driver under test. */
export type OpenDatabase = () => Promise<TestDatabase>;

export function describeDbContract(name: string, openDatabase: OpenDatabase): void {
  describe(name, () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await openDatabase();
      const { db } = database;
      await db.execute(sql`CREATE TABLE t (n integer PRIMARY KEY, word text, big bigint, amount numeric(40), small smallint,
        part double precision, data bytea, doc jsonb, flag boolean, at timestamptz)`);
      await db.execute(sql`CREATE TABLE pairs (n integer PRIMARY KEY, count integer NOT NULL)`);
      await db.execute(sql`INSERT INTO pairs VALUES (1, 0), (2, 0)`);
    });
    afterAll(() => database.drop());
    const at = underTest(() => database.db);
    describeResults(at);
    describeParameters(at);
    describeStatements(at);
    describeTransactions(at);
    describeCuts(at);
  });
}
