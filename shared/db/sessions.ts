/** Web sessions: only the hash of a token is stored, so that a copy of the database logs nobody in. */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { bigintText, type Db, first, sql } from "./port.ts";

export const sessionUser = v.object({
  id: bigintText,
  name: v.string(),
  isAdmin: v.boolean(),
  payoutAddress: v.nullable(v.string()),
  /** A second factor is in force. */
  twoFactor: v.boolean(),
});

/** Who a live session belongs to. */
export type SessionUser = Readonly<v.InferOutput<typeof sessionUser>>;

/** `nowMs` and `expiresAtMs` are Unix milliseconds. Expired sessions of the same user are swept on the way. */
export async function insertSession(
  db: Db,
  session: { tokenHash: string; userId: bigint; nowMs: number; expiresAtMs: number },
): Promise<void> {
  await db.execute(sql`WITH swept AS (
      DELETE FROM sessions WHERE user_id = ${session.userId}::bigint
        AND expires_at <= to_timestamp(${session.nowMs}::float8 / 1000)
    )
    INSERT INTO sessions (token_hash, user_id, created_at, expires_at)
    VALUES (${session.tokenHash}, ${session.userId}::bigint,
      to_timestamp(${session.nowMs}::float8 / 1000), to_timestamp(${session.expiresAtMs}::float8 / 1000))`);
}

export function findSession(db: Db, tokenHash: string, nowMs: number): Promise<SessionUser | undefined> {
  return first(
    db,
    sql`SELECT users.id::text AS id, users.name, users.is_admin AS "isAdmin", users.payout_address AS "payoutAddress",
      EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = users.id AND f.confirmed_at IS NOT NULL) AS "twoFactor"
      FROM sessions JOIN users ON users.id = sessions.user_id
      WHERE sessions.token_hash = ${tokenHash} AND sessions.expires_at > to_timestamp(${nowMs}::float8 / 1000)`,
    sessionUser,
  );
}

export async function deleteSession(db: Db, tokenHash: string): Promise<void> {
  await db.execute(sql`DELETE FROM sessions WHERE token_hash = ${tokenHash}`);
}

/** After a change of password: ends all other sessions of the user. */
export async function deleteOtherSessions(db: Db, userId: bigint, keepTokenHash: string): Promise<void> {
  await db.execute(sql`DELETE FROM sessions
    WHERE user_id = ${userId}::bigint AND token_hash <> ${keepTokenHash}`);
}

const sessionRow = v.object({ tokenHash: v.string(), beganMs: v.number(), endsMs: v.number() });

/** Live ones, the newest first. */
export function listSessions(
  db: Db,
  userId: bigint,
  { nowMs, limit }: { readonly nowMs: number; readonly limit: number },
): Promise<v.InferOutput<typeof sessionRow>[]> {
  return db.query(
    sql`SELECT token_hash AS "tokenHash", ${ms(sql`created_at`)} AS "beganMs", ${ms(sql`expires_at`)} AS "endsMs" FROM sessions
      WHERE user_id = ${userId}::bigint AND expires_at > ${instant(nowMs)} ORDER BY sessions.created_at DESC, token_hash LIMIT ${limit}::int`,
    sessionRow,
  );
}
