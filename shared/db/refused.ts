/** Refused shares by reason, hour and worker: statistics, kept for a week (0088_refused.sql). */

import * as v from "valibot";
import { REFUSAL_CODES, type RefusalCode } from "../messages/refusals.ts";
import { REST_WORKER } from "../messages/summary.ts";
import { instant } from "./instants.ts";
import { bigintText, type Db, json, sql } from "./port.ts";

export interface RefusedCount {
  readonly user: string;
  readonly worker: string;
  /** Any moment of the hour. */
  readonly atMs: number;
  readonly reason: RefusalCode;
  readonly shares: number;
}

/** Adds them. Who has no account is left out, and a name without a row of its own is counted with its user's rest. */
export async function addRefused(db: Db, counts: readonly RefusedCount[]): Promise<void> {
  await db.execute(sql`INSERT INTO worker_refused AS w (user_name, worker, hour, reason, shares)
    SELECT u.name, COALESCE(k.worker, ${REST_WORKER}), date_trunc('hour', to_timestamp(r."atMs" / 1000), 'UTC'), r.reason, sum(r.shares)
    FROM jsonb_to_recordset(${json(counts)}::jsonb) AS r("user" text, worker text, "atMs" float8, reason text, shares bigint)
    JOIN users u ON u.name = r."user"
    LEFT JOIN workers k ON k.user_name = u.name AND k.worker = r.worker AND k.state <> 'waiting'
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (user_name, worker, hour, reason) DO UPDATE SET shares = w.shares + excluded.shares`);
}

const reasonRow = v.object({ reason: v.picklist(REFUSAL_CODES), shares: bigintText });
export type RefusedReason = v.InferOutput<typeof reasonRow>;

/** Of all workers of a user, or of one, since the hour of `sinceMs`; the most frequent reason first. */
export function refusedReasons(
  db: Db,
  user: string,
  worker: string | undefined,
  sinceMs: number,
): Promise<RefusedReason[]> {
  return db.query(
    sql`SELECT r.reason, sum(r.shares)::text AS shares FROM worker_refused r
      WHERE r.user_name = ${user} AND (${worker ?? null}::text IS NULL OR r.worker = ${worker ?? null})
        AND r.hour >= date_trunc('hour', ${instant(sinceMs)}, 'UTC')
      GROUP BY r.reason ORDER BY sum(r.shares) DESC, r.reason`,
    reasonRow,
  );
}
