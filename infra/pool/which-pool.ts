/** Which pool a command is about to read or change: said before it does, so that nobody pays from the books of another one. */

import * as v from "valibot";
import type { Migration } from "../../shared/db/migrate.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { missingMigrations } from "../../shared/db/schema-check.ts";

export interface WhichPool {
  /** `pool.opridentity`. */
  readonly pool: string;
  /** Where the database is, without a password. */
  readonly database: string;
  /** The newest block booked; undefined in a database without one. */
  readonly height: number | undefined;
  /** Migrations that are run next, by name: what changes in a database that an older version made. Of a new one nothing is told. */
  readonly changes: readonly string[];
}

/** `where`: see `databasePlace`. Also of a database that has no tables yet. `migrations`: those that it is brought to next. */
export async function whichPool(
  db: Db,
  {
    name,
    where,
    migrations = [],
  }: { readonly name: string; readonly where: string; readonly migrations?: readonly Migration[] },
): Promise<WhichPool> {
  const { made } = await one(
    db,
    sql`SELECT to_regclass('blocks') IS NOT NULL AS made`,
    v.object({ made: v.boolean() }),
  );
  const { height } = made
    ? await one(
        db,
        sql`SELECT max(height)::int AS height FROM blocks`,
        v.object({ height: v.nullable(v.number()) }),
      )
    : { height: null };
  const changes =
    made && migrations.length > 0
      ? (await missingMigrations(db, migrations)).map((migration) => migration.name)
      : [];
  return { pool: name, database: where, height: height ?? undefined, changes };
}

/** What is said of it: which it is, and what is changed in it first. */
export function whichPoolLines({ pool, database, height, changes }: WhichPool): string[] {
  const line = `Pool ${pool}: database ${database}, ${height === undefined ? "no block yet" : `block ${height}`}`;
  if (changes.length === 0) return [line];
  return [
    line,
    `An older version made this database. Changed in it now: ${changes.join(", ")}. The release before works on with it; \`prosper backup FOLDER\`, run before a new version starts, keeps it as it was`,
  ];
}

/** `name at host:port` of a server's address. `folder`: of the embedded server that it is. */
export function databasePlace(url: string, folder?: string): string {
  const { pathname, host } = new URL(url);
  const name = decodeURIComponent(pathname.slice(1)) || "(its user's)";
  return `${name} at ${host}${folder === undefined ? "" : ` in ${folder}`}`;
}
