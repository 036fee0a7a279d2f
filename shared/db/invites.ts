/** Invite codes: one registration each (docs/design.md, "Accounts"). The claim itself is in accounts.ts, beside the user it makes. */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { type Db, first, sql } from "./port.ts";

export interface Invite {
  readonly code: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly claimedBy: string | null;
  readonly claimedAtMs: number | null;
  /** What it is for; "": nothing was said. */
  readonly note: string;
  /** An administrator, or `command line`; "": made before, or by the pool at its start. */
  readonly madeBy: string;
  /** Null: without an end. */
  readonly endsAtMs: number | null;
  /** Nobody can claim it any more, though nobody has. */
  readonly isOver: boolean;
}

export interface InviteTerms {
  readonly note?: string;
  readonly madeBy?: string;
  /** From now; undefined: without an end. */
  readonly forMs?: number | undefined;
}

/** Nobody has it, and it is good still. */
const FREE = sql`claimed_by IS NULL AND (ends_at IS NULL OR ends_at > now())`;

/** Returns false when the code exists already, or one that differs in case and separators only and is to be had. */
export async function insertInvite(db: Db, code: string, terms: InviteTerms = {}): Promise<boolean> {
  const { note = "", madeBy = "", forMs = null } = terms;
  const inserted = await db.execute(sql`INSERT INTO invites (code, note, made_by, ends_at)
    SELECT ${code}::text, ${note}::text, ${madeBy}::text, now() + make_interval(secs => ${forMs}::float8 / 1000) WHERE NOT EXISTS
    (SELECT 1 FROM invites WHERE claimed_by IS NULL AND lower(translate(code, ' -_.', '')) = ${spellingOf(code)})
    ON CONFLICT DO NOTHING`);
  return inserted === 1;
}

/** The oldest code that anybody may have: those with a note or an end are meant for somebody. */
export async function unclaimedInvite(db: Db): Promise<string | undefined> {
  const row = await first(
    db,
    sql`SELECT code FROM invites WHERE claimed_by IS NULL AND note = '' AND ends_at IS NULL ORDER BY created_at, code LIMIT 1`,
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
    sql`SELECT code FROM invites WHERE ${FREE}
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

/** Those that can be claimed first, then the newest. */
export function listInvites(db: Db, limit: number): Promise<Invite[]> {
  return db.query(
    sql`SELECT invites.code, ${ms(sql`invites.created_at`)} AS "createdAtMs", users.name AS "claimedBy",
      ${ms(sql`invites.claimed_at`)} AS "claimedAtMs", invites.note, invites.made_by AS "madeBy",
      ${ms(sql`invites.ends_at`)} AS "endsAtMs", (claimed_by IS NULL AND ends_at <= now()) IS TRUE AS "isOver"
      FROM invites LEFT JOIN users ON users.id = invites.claimed_by
      ORDER BY (${FREE}) DESC, invites.claimed_at DESC NULLS LAST, invites.created_at DESC LIMIT ${limit}::int`,
    v.object({
      code: v.string(),
      createdAtMs: v.number(),
      claimedBy: v.nullable(v.string()),
      claimedAtMs: v.nullable(v.number()),
      note: v.string(),
      madeBy: v.string(),
      endsAtMs: v.nullable(v.number()),
      isOver: v.boolean(),
    }),
  );
}

/** From now on nobody can claim it; false where nobody could anyway. */
export async function endInvite(db: Db, code: string): Promise<boolean> {
  return (await db.execute(sql`UPDATE invites SET ends_at = now() WHERE code = ${code} AND ${FREE}`)) === 1;
}
