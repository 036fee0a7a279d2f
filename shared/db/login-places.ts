/** Guesses at logins, counted by where they come from, as rows that all functions and edges share (0053_login_places.sql). */

import * as v from "valibot";
import type { GuessLimit } from "../accounts/guesses.ts";
import type { Place } from "../accounts/place.ts";
import { type Db, json, one, sql } from "./port.ts";

/** Most places of each kind for each user; the one not used for longest is forgotten first. */
const MOST_PLACES = 8;

/**
 * `counter`: the key that the guess was counted under (a place's hash, `strangers`, or `nobody`: no such name). Null: the guess may not
 * be made, for `waitMs` where that is known.
 */
export interface BegunGuess {
  readonly counter: string | null;
  readonly waitMs: number | null;
}

/** Begins a guess at a name. `stranger` false: it may only come from one of the owner's places. */
export function beginGuess(
  db: Db,
  guess: { readonly name: string; readonly places: readonly Place[]; readonly stranger: boolean },
  { free, everyMs }: GuessLimit,
  nowMs: number,
): Promise<BegunGuess> {
  const places = json(guess.places.map(({ hash }) => hash));
  return one(
    db,
    sql`SELECT g.counter, g.wait_ms AS "waitMs" FROM login_guess(${guess.name}, ${places}, ${guess.stranger},
      ${nowMs}::float8, ${free}::int, ${everyMs}::float8) g`,
    v.object({ counter: v.nullable(v.string()), waitMs: v.nullable(v.number()) }),
  );
}

/** Takes back a guess that turned out to be no guess. */
export async function takeBackGuess(
  db: Db,
  name: string,
  counter: string,
  { everyMs }: GuessLimit,
): Promise<void> {
  await db.execute(sql`SELECT 1 AS done FROM login_take_back(${name}, ${counter}, ${everyMs}::float8)`);
}

/** Stores a place that the owner's right password came from. */
export async function rememberPlace(db: Db, name: string, place: Place, nowMs: number): Promise<void> {
  await db.execute(
    sql`SELECT 1 AS done FROM login_remember(${name}, ${place.kind}, ${place.hash}, ${nowMs}::float8, ${MOST_PLACES}::int)`,
  );
}

/** Removes a place, so that another can have its room. */
export async function forgetPlace(db: Db, name: string, { hash }: Place): Promise<void> {
  await db.execute(sql`DELETE FROM login_places
    WHERE user_id = (SELECT id FROM users WHERE name = ${name}) AND place = ${hash}`);
}

/** The names of a place that may mine, at most `limit`. */
export async function minersAt(db: Db, { hash }: Place, limit: number): Promise<string[]> {
  const found = await db.query(
    sql`SELECT u.name FROM login_places p JOIN users u ON u.id = p.user_id
      WHERE p.place = ${hash} AND NOT u.is_admin ORDER BY p.used_ms DESC LIMIT ${limit}::int`,
    v.object({ name: v.string() }),
  );
  return found.map(({ name }) => name);
}

/** When a password is replaced, the places that the old one came from are removed. */
export async function forgetPlaces(db: Db, userId: bigint): Promise<void> {
  await db.execute(sql`DELETE FROM login_places WHERE user_id = ${userId}::bigint`);
}

/** Begins a guess in a live session, which has its own counter. Milliseconds to wait; 0: it has begun. */
export async function beginSessionGuess(
  db: Db,
  tokenHash: string,
  { free, everyMs }: GuessLimit,
  nowMs: number,
): Promise<number> {
  const row = await one(
    db,
    sql`WITH begun AS (
        UPDATE sessions SET empty_at_ms = after_guess(empty_at_ms, ${nowMs}::float8, ${free}::int, ${everyMs}::float8)
        WHERE token_hash = ${tokenHash} AND after_guess(empty_at_ms, ${nowMs}::float8, ${free}::int, ${everyMs}::float8) IS NOT NULL
        RETURNING 1 AS one
      )
      SELECT EXISTS (SELECT 1 FROM begun) AS begun, coalesce((SELECT empty_at_ms FROM sessions WHERE token_hash = ${tokenHash}), 0) AS "emptyAtMs"`,
    v.object({ begun: v.boolean(), emptyAtMs: v.number() }),
  );
  return row.begun ? 0 : Math.max(1, row.emptyAtMs - (free - 1) * everyMs - nowMs);
}

export async function takeBackSessionGuess(
  db: Db,
  tokenHash: string,
  { everyMs }: GuessLimit,
): Promise<void> {
  await db.execute(sql`UPDATE sessions SET empty_at_ms = empty_at_ms - ${everyMs}::float8
    WHERE token_hash = ${tokenHash}`);
}
