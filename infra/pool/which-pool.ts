/** Which pool a command is about to read or change: said before it does, so that nobody pays from the books of another one. */

import * as v from "valibot";
import { type Db, one, sql } from "../../shared/db/port.ts";

export interface WhichPool {
  /** `pool.opridentity`. */
  readonly pool: string;
  /** Where the database is, without a password. */
  readonly database: string;
  /** The newest block booked; undefined in a database without one. */
  readonly height: number | undefined;
}

/** `where`: see `databasePlace`. Also of a database that has no tables yet. */
export async function whichPool(
  db: Db,
  { name, where }: { readonly name: string; readonly where: string },
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
  return { pool: name, database: where, height: height ?? undefined };
}

export function whichPoolLine({ pool, database, height }: WhichPool): string {
  return `Pool ${pool}: database ${database}, ${height === undefined ? "no block yet" : `block ${height}`}`;
}

/** `name at host:port` of a server's address. `folder`: of the embedded server that it is. */
export function databasePlace(url: string, folder?: string): string {
  const { pathname, host } = new URL(url);
  const name = decodeURIComponent(pathname.slice(1)) || "(its user's)";
  return `${name} at ${host}${folder === undefined ? "" : ` in ${folder}`}`;
}
