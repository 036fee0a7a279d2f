/** A PostgreSQL whose password is changed under an open pool: a real server, a role of its own, a file. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadConfig } from "../../../infra/config/load.ts";
import { withPassword } from "../../../infra/pool/database-password.ts";
import { openRenewed } from "../../../infra/pool/renewed-database.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";

const REFUSED = { code: "db-away", data: { sqlstate: "28P01" } };

let database: TestDatabase;
let folder: string;
let file: string;
let user: string;
let clock: ManualClock;
let pool: Db;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false, driver: "pg" });
  folder = mkdtempSync(join(tmpdir(), "prosper-password-"));
  file = join(folder, "password");
  user = `user_of_${new URL(database.url).pathname.slice(1)}`;
  clock = manualClock();
  await run(`CREATE ROLE ${user} LOGIN PASSWORD 'first: 50 % of it?'`);
  writeFileSync(file, "first: 50 % of it?\n");
});

afterEach(async () => {
  await pool.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

function run(statement: string): Promise<number> {
  return database.db.execute({ text: statement, values: [] });
}

function open(passwordfile: string): Db {
  const config = loadConfig("none.toml", {
    required: false,
    overrides: [{ section: "database", key: "passwordfile", value: passwordfile, from: "--test" }],
  });
  const address = withPassword(database.url.replace(/\/\/[^:]+/, `//${user}`), "first: 50 % of it?");
  return openRenewed(config, address, { clock, logger: SILENT });
}

/** Nobody is connected any more, as after the pool's ten idle seconds. */
async function changePassword(password: string): Promise<void> {
  await run(`ALTER ROLE ${user} PASSWORD '${password}'`);
  await run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`);
  const connected = () =>
    text(database.db, sql`SELECT count(*) FROM pg_stat_activity WHERE usename = ${user}`);
  await expect.poll(connected).toBe("0");
  // What the server said last is here; the pool has read it a turn later.
  await nextTurn();
  await nextTurn();
}

const who = (db: Db): Promise<string | null> => text(db, sql`SELECT current_user`);

it("goes on by the file's new password, in statements and transactions, many at once", async () => {
  pool = open(file);
  expect(await who(pool)).toBe(user);

  await changePassword("second");
  writeFileSync(file, "second\n");
  const answers = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? who(pool) : pool.transaction(who)));

  expect(await Promise.all(answers)).toEqual(answers.map(() => user));
});

it("is away while the file has the refused one, and looks into it again every five seconds", async () => {
  pool = open(file);
  await changePassword("second");
  await expect(who(pool)).rejects.toMatchObject(REFUSED);
  writeFileSync(file, "second");

  await expect(who(pool)).rejects.toMatchObject(REFUSED);
  clock.advance(5_000);
  expect(await who(pool)).toBe(user);
});

it("keeps the password that it has where no file is named", async () => {
  pool = open("");
  await changePassword("second");
  writeFileSync(file, "second");

  await expect(who(pool)).rejects.toMatchObject(REFUSED);
  clock.advance(60_000);
  await expect(who(pool)).rejects.toMatchObject(REFUSED);
});
