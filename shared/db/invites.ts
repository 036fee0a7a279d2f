/** Invite codes: one registration each (docs/design.md, "Accounts"). The claim itself is in accounts.ts, beside the user it makes. */

import * as v from "valibot";
import { type Db, first, sql } from "./port.ts";

export interface Invite {
  readonly code: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly claimedBy: string | null;
  readonly claimedAtMs: number | null;
}

/** Returns false when the code exists already, or one that differs in case and separators only and is to be had. */
export async function insertInvite(db: Db, code: string): Promise<boolean> {
  const inserted = await db.execute(sql`INSERT INTO invites (code) SELECT ${code}::text WHERE NOT EXISTS
    (SELECT 1 FROM invites WHERE claimed_by IS NULL AND lower(translate(code, ' -_.', '')) = ${spellingOf(code)})
    ON CONFLICT DO NOTHING`);
  return inserted === 1;
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

/**
 * The code that somebody means who wrote `typed`, by hand or read aloud: case and separators do not count, unless another code is just as typed.
 * Undefined where there is none that nobody has claimed. A hint only, so that no password is hashed for a code that is spent; the claim decides.
 */
export async function findUnclaimed(db: Db, typed: string): Promise<string | undefined> {
  const spelling = spellingOf(typed);
  const row = await first(
    db,
    sql`SELECT code FROM invites WHERE claimed_by IS NULL
      AND (code = ${typed} OR (${spelling} <> '' AND lower(translate(code, ' -_.', '')) = ${spelling}))
      ORDER BY invites.code <> ${typed}, invites.created_at, invites.code LIMIT 1`,
    v.object({ code: v.string() }),
  );
  return row?.code;
}

/** As the index invites_spelling has it. */
function spellingOf(code: string): string {
  return code.replaceAll(/[\s\-_.]/g, "").toLowerCase();
}

/** True for a code just as it is stored. */
export async function isUnclaimed(db: Db, code: string): Promise<boolean> {
  return (await findUnclaimed(db, code)) === code;
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
