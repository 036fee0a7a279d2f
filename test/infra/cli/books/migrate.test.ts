/** `prosper db migrate`: what is missing, what it ran, and the roles. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dbMigrateCommand } from "../../../../infra/cli/payout/db.ts";
import { loadMigrations } from "../../../../shared/db/migrate.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { text } from "../../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";

let database: TestDatabase;
let db: Db;
let out: string[];
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  out = [];
});
afterEach(() => database.drop());

const modules = () => ({ db, print: (line: string) => out.push(line) });

describe("prosper db migrate", () => {
  it("says when there is nothing to do", async () => {
    await dbMigrateCommand({ dryRun: false }, modules());
    await dbMigrateCommand({ dryRun: true }, modules());

    expect(out).toEqual(["The database is up to date", "The database is up to date"]);
  });

  it("names what is missing, changes nothing with --dry-run, then names what it ran", async () => {
    const empty = await createTestDatabase({ migrated: false });
    const names = loadMigrations().map(({ name }) => name);

    await dbMigrateCommand({ dryRun: true }, { ...modules(), db: empty.db });
    await dbMigrateCommand({ dryRun: false }, { ...modules(), db: empty.db });
    await empty.drop();

    expect(out).toEqual([...names.map((name) => `Missing ${name}`), ...names.map((name) => `Ran ${name}`)]);
  });
});

describe("prosper db migrate --roles", () => {
  it("makes the roles with their rights, and says so", async () => {
    await db.execute(sql`REVOKE SELECT ON blocks FROM prosper_poll`);
    await dbMigrateCommand({ dryRun: false, roles: true }, modules());

    expect(out.at(-1)).toMatch(
      /^Roles prosper_accounting, .*prosper_edge, .*prosper_canary have their rights/,
    );
    expect(await text(db, sql`SELECT has_table_privilege('prosper_poll', 'blocks', 'SELECT')`)).toBe("true");
  });
});
