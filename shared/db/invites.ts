/** Invite codes: one registration each (docs/design.md, "Accounts"). The claim itself is in accounts.ts, beside the user it makes. */

import * as v from "valibot";
import { type Db, first, one, sql } from "./port.ts";

export interface Invite {
  readonly code: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly claimedBy: string | null;
  readonly claimedAtMs: number | null;
}

/** Returns false when the code exists already. */
export async function insertInvite(db: Db, code: string): Promise<boolean> {
  return (await db.execute(sql`INSERT INTO invites (code) VALUES (${code}) ON CONFLICT DO NOTHING`)) === 1;
}

/** The oldest code that nobody has claimed. */
export async function unclaimedInvite(db: Db): Promise<string | undefined> {
  const row = await first(
    db,
    sql`SELECT code FROM invites WHERE claimed_by IS NULL ORDER BY created_at, code LIMIT 1`,
    v.object({ code: v.string() }),
  );
  return row?.code;
}

/** A hint only, so that no password is hashed for a code that is spent; the claim decides. */
export async function isUnclaimed(db: Db, code: string): Promise<boolean> {
  const row = await one(
    db,
    sql`SELECT EXISTS (SELECT 1 FROM invites WHERE code = ${code} AND claimed_by IS NULL) AS found`,
    v.object({ found: v.boolean() }),
  );
  return row.found;
}

/** Unclaimed ones first, then the newest. */
export function listInvites(db: Db, limit: number): Promise<Invite[]> {
  return db.query(
    sql`SELECT invites.code, extract(epoch FROM invites.created_at)::float8 * 1000 AS "createdAtMs",
      users.name AS "claimedBy", extract(epoch FROM invites.claimed_at)::float8 * 1000 AS "claimedAtMs"
      FROM invites LEFT JOIN users ON users.id = invites.claimed_by
      ORDER BY invites.claimed_at DESC NULLS FIRST, invites.created_at DESC LIMIT ${limit}::int`,
    v.object({
      code: v.string(),
      createdAtMs: v.number(),
      claimedBy: v.nullable(v.string()),
      claimedAtMs: v.nullable(v.number()),
    }),
  );
}
