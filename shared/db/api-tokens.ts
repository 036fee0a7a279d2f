/** Tokens by which a user's scripts read: only their hashes are stored (docs/decisions/api-tokens.md). */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { type Db, first, sql } from "./port.ts";
import { type SessionUser, sessionUser } from "./sessions.ts";

/** Of a user; the table's own limit. */
export const MOST_TOKENS = 20;
/** When a token was used last is written no more often. */
const USED_EVERY_MS = 60_000;

const tokenRow = v.object({
  place: v.number(),
  name: v.string(),
  createdMs: v.number(),
  /** To the minute. */
  usedMs: v.nullable(v.number()),
});
export type ApiTokenRow = v.InferOutput<typeof tokenRow>;

/** The newest first. */
export function listTokens(db: Db, userId: bigint): Promise<ApiTokenRow[]> {
  return db.query(
    sql`SELECT place, name, ${ms(sql`created_at`)} AS "createdMs", ${ms(sql`used_at`)} AS "usedMs"
      FROM api_tokens WHERE user_id = ${userId}::bigint ORDER BY api_tokens.created_at DESC, api_tokens.place`,
    tokenRow,
  );
}

/** False where the user has as many as it may have. */
export async function insertToken(
  db: Db,
  token: { readonly userId: bigint; readonly name: string; readonly tokenHash: string },
): Promise<boolean> {
  const made = await db.execute(sql`INSERT INTO api_tokens (user_id, place, name, token_hash)
    SELECT ${token.userId}::bigint, free.place, ${token.name}, ${token.tokenHash} FROM generate_series(1, ${MOST_TOKENS}::int) AS free (place)
    WHERE NOT EXISTS (SELECT 1 FROM api_tokens t WHERE t.user_id = ${token.userId}::bigint AND t.place = free.place)
    ORDER BY free.place LIMIT 1 ON CONFLICT DO NOTHING`);
  return made > 0;
}

export async function deleteToken(db: Db, userId: bigint, place: number): Promise<void> {
  await db.execute(
    sql`DELETE FROM api_tokens WHERE user_id = ${userId}::bigint AND api_tokens.place = ${place}::smallint`,
  );
}

export async function deleteTokens(db: Db, userId: bigint): Promise<void> {
  await db.execute(sql`DELETE FROM api_tokens WHERE user_id = ${userId}::bigint`);
}

/** Whose it is; nobody's where the user is barred from everything. Notes that it was used. */
export async function findToken(db: Db, tokenHash: string, nowMs: number): Promise<SessionUser | undefined> {
  const found = await first(
    db,
    sql`SELECT u.id::text AS id, u.name, u.is_admin AS "isAdmin", u.payout_address AS "payoutAddress",
      EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL) AS "twoFactor",
      t.used_at IS NULL OR t.used_at < ${instant(nowMs - USED_EVERY_MS)} AS "isStale"
      FROM api_tokens t JOIN users u ON u.id = t.user_id
      WHERE t.token_hash = ${tokenHash} AND NOT EXISTS (
        SELECT 1 FROM bars b WHERE b.kind = 'user' AND b.subject = u.name AND b.scope = 'all' AND b.lifted_at IS NULL
          AND (b.until IS NULL OR b.until > now()))`,
    v.object({ ...sessionUser.entries, isStale: v.boolean() }),
  );
  if (found === undefined) return undefined;
  const { isStale, ...user } = found;
  if (isStale)
    await db.execute(sql`UPDATE api_tokens SET used_at = ${instant(nowMs)} WHERE token_hash = ${tokenHash}`);
  return user;
}
