/**
 * One throw-away PostgreSQL for the whole test run; each test file makes databases of its own in it. Where PROSPER_TEST_POSTGRES is the address
 * of a server that has the template already, that one: so a release's tests run over the schema of a later one.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startPostgres } from "../../infra/pool/embedded-postgres.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { ensureRoles } from "../../shared/db/roles.ts";
import { type Emptying, readEmptying, TEMPLATE } from "./made-database.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresUrl: string;
    /** Absent where the server was given: each test then has a copy of its own. */
    emptying: Emptying;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["PROSPER_TEST_POSTGRES"];
  if (given !== undefined) {
    project.provide("postgresUrl", given);
    return async () => undefined;
  }
  const dir = mkdtempSync(join(tmpdir(), "prosper-test-pg-"));
  const postgres = await startPostgres({ dir, unsafeFast: true });
  project.provide("emptying", await makeTemplate(postgres.url));
  project.provide("postgresUrl", postgres.url);
  return async () => {
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  };
}

/** Makes TEMPLATE in the server at `url`. */
export async function makeTemplate(url: string): Promise<Emptying> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`).finally(() => client.end());
  const template = url.replace(/[^/]+$/, TEMPLATE);
  const db = openPg({ url: template, size: 2 });
  await migrate(db)
    .then(() => ensureRoles(db))
    .finally(() => db.close());
  const reader = new pg.Client({ connectionString: template });
  await reader.connect();
  return readEmptying(reader).finally(() => reader.end());
}
