/** Whether a database fits this code: newer is fine as long as no migration says otherwise, so that a release can be taken back. */

import * as v from "valibot";
import { counted } from "../counted.ts";
import { CodedError } from "../errors.ts";
import type { Migration } from "./migrate.ts";
import { type Db, first, one, sql } from "./port.ts";

const OLDEST_SERVER = 150_000;

/**
 * The files that the database lacks, in order. What it has beyond them is a newer release's, which older code can live with: migrations first
 * add, and take away one release later (CONTRIBUTING.md, "A migration"). Changes nothing. Throws CodedErrors: `db-version`, the server is too
 * old; `db-migration`, a file that was run differs, the database needs newer code, or it comes from another branch.
 */
export async function missingMigrations(db: Db, migrations: readonly Migration[]): Promise<Migration[]> {
  const { version, migrated, limited } = await one(
    db,
    sql`SELECT current_setting('server_version_num')::int AS version, to_regclass('migrations') IS NOT NULL AS migrated,
      to_regclass('schema_minimum') IS NOT NULL AS limited`,
    v.object({ version: v.number(), migrated: v.boolean(), limited: v.boolean() }),
  );
  if (version < OLDEST_SERVER)
    throw new CodedError(
      "db-version",
      `PostgreSQL 15 or newer is needed, this server is ${version}: upgrade it, or unset DATABASE_URL to use the embedded one`,
    );
  if (!migrated) return [...migrations];
  if (limited) await requireNewEnough(db, migrations);
  return lackingOf(await readApplied(db), migrations);
}

/**
 * For those that use a schema and never change it: edges of a fleet, and the command line over the Data API. Throws as `missingMigrations`
 * does, and CodedError `db-migration` where something is missing.
 */
export async function checkSchema(db: Db, migrations: readonly Migration[]): Promise<void> {
  const missing = await missingMigrations(db, migrations);
  const [next] = missing;
  if (next === undefined) return;
  throw new CodedError(
    "db-migration",
    `the database is older than this version, it lacks ${counted(missing.length, "migration")} from ${next.name} on: run \`prosper db migrate\` (on AWS: deploy this version's stacks), then start this again`,
  );
}

async function requireNewEnough(db: Db, migrations: readonly Migration[]): Promise<void> {
  const minimum = await first(
    db,
    sql`SELECT version, release FROM schema_minimum`,
    v.object({ version: v.number(), release: v.string() }),
  );
  const newest = migrations.at(-1)?.version ?? 0;
  if (minimum === undefined || newest >= minimum.version) return;
  throw new CodedError(
    "db-migration",
    `the database needs prosper ${minimum.release} or newer (migration ${minimum.version}), this version knows migrations up to ${newest}: run a newer prosper`,
  );
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly sha256: string;
}

function readApplied(db: Db): Promise<Applied[]> {
  return db.query(
    sql`SELECT version, name, sha256 FROM migrations ORDER BY version`,
    v.object({ version: v.number(), name: v.string(), sha256: v.string() }),
  );
}

function lackingOf(applied: readonly Applied[], migrations: readonly Migration[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  const changed = applied.find(({ version, sha256 }) => (known.get(version)?.sha256 ?? sha256) !== sha256);
  if (changed !== undefined)
    throw new CodedError(
      "db-migration",
      `migration ${changed.name} differs from the one this database was made with: restore the released file`,
    );
  const done = new Set(applied.map(({ version }) => version));
  const missing = migrations.filter(({ version }) => !done.has(version));
  const foreign = applied.find(({ version }) => !known.has(version));
  // They run in order: whoever is older lacks the last ones. Running some in another order was tried by nobody.
  if (foreign !== undefined && missing[0] !== undefined)
    throw new CodedError(
      "db-migration",
      `the database has migration ${foreign.name}, which this version does not know, and lacks ${missing[0].name}, which it has: it was made by another branch; run that one`,
    );
  return missing;
}
