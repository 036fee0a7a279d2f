/** Runs the numbered SQL files of shared/db/migrations once each, in order, safely from many starters at a time. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { sha256Hex } from "../sha256.ts";
import { splitStatements } from "./drivers/sql-text.ts";
import { type LongLimits, type LongMigration, parseLong, runLong } from "./long-migration.ts";
import { type Db, type Sql, sql } from "./port.ts";
import { missingMigrations } from "./schema-check.ts";

const FOLDER = join(import.meta.dirname, "migrations");
const CREATE_TABLE = sql`CREATE TABLE IF NOT EXISTS migrations (
  version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, at timestamptz NOT NULL DEFAULT now())`;

/** One migration file: `0001_name.sql`. Never edited once released: its hash is kept and compared. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/** In the order of their numbers. */
export function loadMigrations(folder: string = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.+\.sql$/.test(file))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), "utf8");
      return { version: Number(name.slice(0, 4)), name, text, sha256: sha256Hex(text) };
    });
}

/** 64 hex digits that change with the files: what a deployment and a release name their schema by. */
export function schemaHash(migrations: readonly Migration[] = loadMigrations()): string {
  return sha256Hex(migrations.map(({ name, sha256 }) => `${name} ${sha256}\n`).join(""));
}

/** See LongLimits. A call is waited for longer than the Data API lets it last (45 s), also one in a transaction. */
export const MIGRATE_LIMITS: LongLimits = {
  clock: systemClock,
  callMs: 60_000,
  pollMs: 2_000,
  patienceMs: Number.POSITIVE_INFINITY,
};

/**
 * Applies what is missing; returns the names of the files it ran. Throws as `missingMigrations` does, before it changes anything, and as the
 * statements do: what a file in a transaction has done is undone then, and nothing is tried a second time.
 */
export async function migrate(
  db: Db,
  migrations: readonly Migration[] = loadMigrations(),
  options: Partial<LongLimits> = {},
): Promise<string[]> {
  const limits = { ...MIGRATE_LIMITS, ...options };
  const missing = await missingMigrations(db, migrations);
  // A role that may not make tables starts on a database that lacks none.
  if (missing.length === 0) return [];
  const steps = missing.map((migration) => ({ migration, long: parseLong(migration) }));
  // When two sessions create it at once, one may fail, in one of several ways; the table exists after that.
  await db.execute(CREATE_TABLE).catch(() => db.execute(CREATE_TABLE));
  const ran: string[] = [];
  for (const { migration, long } of steps) {
    const fresh = await (long === undefined
      ? runInTransaction(db, migration, limits)
      : runOutside(db, migration, long, limits));
    if (fresh) ran.push(migration.name);
  }
  // Another starter may have known more.
  await missingMigrations(db, migrations);
  return ran;
}

/** False where another starter has recorded it meanwhile. */
async function runOutside(
  db: Db,
  migration: Migration,
  long: LongMigration,
  limits: LongLimits,
): Promise<boolean> {
  await runLong(db, long, limits);
  return (await db.execute(recordOf(migration))) > 0;
}

function recordOf({ version, name, sha256 }: Migration): Sql {
  return sql`INSERT INTO migrations (version, name, sha256) VALUES (${version}, ${name}, ${sha256}) ON CONFLICT DO NOTHING`;
}

/** False where another starter has run it meanwhile. */
function runInTransaction(db: Db, migration: Migration, { callMs }: LongLimits): Promise<boolean> {
  return db.transaction(async (tx) => {
    // The row is inserted first: when two processes start, one waits here for the other, then sees that nothing is left to do.
    const inserted = await tx.execute(recordOf(migration), { waitMs: callMs });
    if (inserted === 0) return false;
    // One by one, but where the driver takes them together: that halves the time on an empty database.
    const texts = db.takesScripts === true ? [migration.text] : splitStatements(migration.text);
    for (const text of texts) await tx.execute({ text, values: [] }, { waitMs: callMs });
    return true;
  });
}
