/** Runs the numbered SQL files of shared/db/migrations once each, in order, safely from many starters at a time. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { sha256Hex } from "../sha256.ts";
import { splitStatements } from "./drivers/sql-text.ts";
import { type Db, one, sql } from "./port.ts";

const FOLDER = join(import.meta.dirname, "migrations");
const OLDEST_SERVER = 150_000;
const CREATE_TABLE = sql`CREATE TABLE IF NOT EXISTS migrations (
  version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, at timestamptz NOT NULL DEFAULT now())`;

/** One migration file: `0001_name.sql`. Never edited once released: its hash is kept and compared. */
export interface Migration {
  version: number;
  name: string;
  text: string;
  sha256: string;
}

export function loadMigrations(folder: string = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.+\.sql$/.test(file))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), "utf8");
      return {
        version: Number(name.slice(0, 4)),
        name,
        text,
        sha256: sha256Hex(text),
      };
    });
}

/**
 * Applies what is missing; returns the names of the files it ran.
 * Throws CodedError `db-version` (server too old), `db-migration` (a released file changed, or the database is newer than this code).
 */
export async function migrate(db: Db, migrations: Migration[] = loadMigrations()): Promise<string[]> {
  await checkServer(db);
  // When two sessions create it at once, one may fail, in one of several ways; the table exists after that.
  await db.execute(CREATE_TABLE).catch(() => db.execute(CREATE_TABLE));
  const missing = await readMissing(db, migrations);
  const ran: string[] = [];
  for (const migration of missing) {
    const fresh = await db.transaction(async (tx) => {
      // The row is inserted first: when two processes start, one waits here for the other, then sees that nothing is left to do.
      const inserted = await tx.execute(sql`INSERT INTO migrations (version, name, sha256)
        VALUES (${migration.version}, ${migration.name}, ${migration.sha256}) ON CONFLICT DO NOTHING`);
      if (inserted === 0) return false;
      // One by one, but where the driver takes them together: that halves the time on an empty database.
      const texts = db.takesScripts === true ? [migration.text] : splitStatements(migration.text);
      for (const text of texts) await tx.execute({ text, values: [] });
      return true;
    });
    if (fresh) ran.push(migration.name);
  }
  // Another starter may have known more.
  if (missing.length > 0) await readMissing(db, migrations);
  return ran;
}

/** The names of the files that `migrate` would run. Changes nothing. Throws as `migrate` does. */
export async function missingMigrations(
  db: Db,
  migrations: Migration[] = loadMigrations(),
): Promise<string[]> {
  await checkServer(db);
  const { exists } = await one(
    db,
    sql`SELECT to_regclass('migrations') IS NOT NULL AS exists`,
    v.object({ exists: v.boolean() }),
  );
  if (!exists) return migrations.map(({ name }) => name);
  return (await readMissing(db, migrations)).map(({ name }) => name);
}

async function checkServer(db: Db): Promise<void> {
  const { version } = await one(
    db,
    sql`SELECT current_setting('server_version_num')::int AS version`,
    v.object({ version: v.number() }),
  );
  if (version < OLDEST_SERVER) {
    throw new CodedError(
      "db-version",
      `PostgreSQL 15 or newer is needed, this server is ${version}: upgrade it, or unset DATABASE_URL to use the embedded one`,
    );
  }
}

/** Those that are not applied. Throws CodedError `db-migration` where one that is applied differs or is unknown. */
async function readMissing(db: Db, migrations: readonly Migration[]): Promise<Migration[]> {
  const applied = await db.query(
    sql`SELECT version, name, sha256 FROM migrations ORDER BY version`,
    v.object({ version: v.number(), name: v.string(), sha256: v.string() }),
  );
  for (const row of applied) {
    const known = migrations.find((migration) => migration.version === row.version);
    if (known === undefined) {
      throw new CodedError(
        "db-migration",
        `the database has migration ${row.name}, which this version does not know: run a newer prosper`,
      );
    }
    if (known.sha256 !== row.sha256) {
      throw new CodedError(
        "db-migration",
        `migration ${row.name} differs from the one this database was made with: restore the released file`,
      );
    }
  }
  const versions = new Set(applied.map(({ version }) => version));
  return migrations.filter(({ version }) => !versions.has(version));
}
