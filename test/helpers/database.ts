/** A migrated database of one's own for a test file, in the run's PostgreSQL. */

import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { migrate } from "../../shared/db/migrate.ts";
import { openPg } from "../../shared/db/pg.ts";
import type { Db } from "../../shared/db/port.ts";

export interface TestDatabase {
  db: Db;
  url: string;
  drop(): Promise<void>;
}

/** Call in beforeAll; call `drop()` in afterAll. */
export async function createTestDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await admin(adminUrl, `CREATE DATABASE ${name}`);
  const url = adminUrl.replace(/[^/]+$/, name);
  const db = openPg({ url });
  if (options.migrated !== false) await migrate(db);
  return {
    db,
    url,
    async drop() {
      await db.close();
      await admin(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function admin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
