/** What administrators did: one row each, never changed (0030_money_log.sql). */

import * as v from "valibot";
import { bigintText, type Db, json, jsonText, sql } from "./port.ts";

export interface AdminAction {
  /** The administrator's name, or "command line". */
  readonly actor: string;
  /** In kebab-case. */
  readonly action: string;
  /** The user or thing it was done to; "" where there is none. */
  readonly subject: string;
  /** Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export async function logAdminAction(db: Db, entry: AdminAction): Promise<void> {
  const { actor, action, subject, details = {} } = entry;
  await db.execute(sql`INSERT INTO admin_log (actor, action, subject, details)
    VALUES (${actor}, ${action}, ${subject}, ${json(details)}::jsonb)`);
}

const adminLogRow = v.object({
  id: bigintText,
  atMs: v.number(),
  actor: v.string(),
  action: v.string(),
  subject: v.string(),
  details: v.pipe(jsonText, v.record(v.string(), v.unknown())),
});
export type AdminLogEntry = v.InferOutput<typeof adminLogRow>;

/** The newest first; those with an id below `before` where it is given. */
export function listAdminLog(db: Db, limit: number, before?: bigint): Promise<AdminLogEntry[]> {
  return db.query(
    sql`SELECT id::text AS id, extract(epoch FROM at)::float8 * 1000 AS "atMs", actor, action, subject, details::text AS details
      FROM admin_log WHERE admin_log.id < ${before ?? 0x7fff_ffff_ffff_ffffn}::bigint ORDER BY admin_log.id DESC LIMIT ${limit}::int`,
    adminLogRow,
  );
}
