/** What became of the last call of the address that notices when the pool falls silent (infra/pool/heartbeat.ts). */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { type Db, first, sql } from "./port.ts";

const heartbeatRow = v.object({
  atMs: v.number(),
  /** What was told: all is well, or not. */
  wasWell: v.boolean(),
  /** Why it failed; "": it was taken. */
  result: v.string(),
});
export type LastHeartbeat = v.InferOutput<typeof heartbeatRow>;

export async function noteHeartbeat(db: Db, { atMs, wasWell, result }: LastHeartbeat): Promise<void> {
  await db.execute(
    sql`INSERT INTO heartbeat (at, was_well, result) VALUES (${instant(atMs)}, ${wasWell}, ${result})
      ON CONFLICT (only_one) DO UPDATE SET at = excluded.at, was_well = excluded.was_well, result = excluded.result`,
  );
}

/** Undefined where none was ever called. */
export function lastHeartbeat(db: Db): Promise<LastHeartbeat | undefined> {
  return first(
    db,
    sql`SELECT ${ms(sql`at`)} AS "atMs", was_well AS "wasWell", result FROM heartbeat`,
    heartbeatRow,
  );
}
