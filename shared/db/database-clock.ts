/** What the database's clock says, beside this process's own. */

import * as v from "valibot";
import { type Db, one, sql } from "./port.ts";

/** Unix milliseconds by the database's clock. */
export async function databaseMs(db: Db): Promise<number> {
  const row = await one(
    db,
    sql`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS "atMs"`,
    v.object({ atMs: v.number() }),
  );
  return row.atMs;
}
