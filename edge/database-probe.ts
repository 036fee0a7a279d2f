/** Whether the database answers this edge and takes writes: what a lost lease is judged by. */

import * as v from "valibot";
import { type Db, one, sql } from "../shared/db/port.ts";
import { CodedError } from "../shared/errors.ts";

const row = v.object({ standby: v.boolean() });

/** Rejects with `db-away`, also where only a standby answers, which takes no writes. */
export async function askDatabase(db: Db): Promise<void> {
  const { standby } = await one(db, sql`SELECT pg_is_in_recovery() AS standby`, row);
  if (standby) throw new CodedError("db-away", "database: only a standby answers, it takes no writes");
}
