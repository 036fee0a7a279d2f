/** Users, invites and sessions as rows (docs/design.md, "Accounts"). Every function is one statement. */

import * as v from "valibot";
import { logAdminAction } from "./admin-log.ts";
import { bigintText, type Db, first, one, sql } from "./port.ts";

export interface User {
  readonly id: bigint;
  readonly name: string;
  /** argon2id in PHC form; null: the user mines only and cannot log in. */
  readonly password: string | null;
  /** FA…; null: nothing can be paid out yet. */
  readonly payoutAddress: string | null;
  readonly isAdmin: boolean;
}

export interface NewUser {
  readonly name: string;
  readonly password: string | null;
  readonly payoutAddress: string | null;
  readonly isAdmin?: boolean;
}

const userRow = v.object({
  id: bigintText,
  name: v.string(),
  password: v.nullable(v.string()),
  payoutAddress: v.nullable(v.string()),
  isAdmin: v.boolean(),
});
const USER = sql`users.id::text AS id, users.name, users.password,
  users.payout_address AS "payoutAddress", users.is_admin AS "isAdmin"`;
const found = v.object({ found: v.boolean() });

/** True where the name exists, is not an administrator's and has not left. Administrators do not mine: a miner's login would reveal their names. */
export async function mayMine(db: Db, name: string): Promise<boolean> {
  const row = await one(
    db,
    sql`SELECT EXISTS (SELECT 1 FROM users WHERE name = ${name} AND NOT is_admin AND deleted_at IS NULL) AS found`,
    found,
  );
  return row.found;
}

export function findUser(db: Db, name: string): Promise<User | undefined> {
  return first(db, sql`SELECT ${USER} FROM users WHERE name = ${name}`, userRow);
}

/** Returns false, and changes nothing, when the name is taken. */
export async function insertUser(db: Db, user: NewUser): Promise<boolean> {
  const { name, password, payoutAddress, isAdmin = false } = user;
  // Only the owner's role may write is_admin (roles.ts).
  const inserted = await db.execute(
    isAdmin
      ? sql`INSERT INTO users (name, password, payout_address, is_admin)
        VALUES (${name}, ${password}, ${payoutAddress}, true) ON CONFLICT (name) DO NOTHING`
      : sql`INSERT INTO users (name, password, payout_address)
        VALUES (${name}, ${password}, ${payoutAddress}) ON CONFLICT (name) DO NOTHING`,
  );
  return inserted === 1;
}

/** A name that mines and cannot log in: what an edge may make. Returns false when it is taken. */
export async function insertMiner(db: Db, name: string): Promise<boolean> {
  return (
    (await db.execute(sql`INSERT INTO users (name) VALUES (${name}) ON CONFLICT (name) DO NOTHING`)) === 1
  );
}

/** `bad-invite` and `name-taken` change nothing: a failed registration never spends a code. */
export type Registration = "registered" | "bad-invite" | "name-taken";

/**
 * Makes the user and claims the invite in one statement. When several calls want one code, the first locks its row. The
 * others then find it claimed (Postgres checks the WHERE again after the wait).
 */
export async function registerWithInvite(db: Db, user: NewUser, code: string): Promise<Registration> {
  const row = await one(
    db,
    sql`WITH free AS (
      SELECT code FROM invites WHERE code = ${code} AND claimed_by IS NULL AND (ends_at IS NULL OR ends_at > now()) FOR UPDATE
    ), fresh AS (
      INSERT INTO users (name, password, payout_address)
      SELECT ${user.name}::text, ${user.password}::text, ${user.payoutAddress}::text FROM free
      ON CONFLICT (name) DO NOTHING RETURNING id
    ), claimed AS (
      UPDATE invites SET claimed_by = fresh.id, claimed_at = now() FROM fresh
      WHERE invites.code = ${code} RETURNING invites.code
    )
    SELECT EXISTS (SELECT 1 FROM free) AS free, EXISTS (SELECT 1 FROM claimed) AS claimed`,
    v.object({ free: v.boolean(), claimed: v.boolean() }),
  );
  if (row.claimed) return "registered";
  return row.free ? "name-taken" : "bad-invite";
}

/** Who had left is back. */
export async function setPassword(db: Db, userId: bigint, password: string): Promise<void> {
  await db.execute(
    sql`UPDATE users SET password = ${password}, deleted_at = NULL WHERE id = ${userId}::bigint`,
  );
}

/** The login goes, with all that belongs to it; name, work, payout address and what is owed stay. False of an administrator. */
export async function deleteAccount(db: Db, userId: bigint): Promise<boolean> {
  const row = await one(
    db,
    sql`WITH gone AS (
      UPDATE users SET password = NULL, deleted_at = now() WHERE id = ${userId}::bigint AND NOT is_admin RETURNING id, name
    ), s AS (DELETE FROM sessions USING gone WHERE sessions.user_id = gone.id
    ), t AS (DELETE FROM api_tokens USING gone WHERE api_tokens.user_id = gone.id
    ), c AS (DELETE FROM recovery_codes USING gone WHERE recovery_codes.user_id = gone.id
    ), f AS (DELETE FROM second_factors USING gone WHERE second_factors.user_id = gone.id
    ), p AS (DELETE FROM login_places USING gone WHERE login_places.user_id = gone.id
    ), r AS (DELETE FROM password_resets USING gone WHERE password_resets.user_id = gone.id
    ), m AS (DELETE FROM public_miners USING gone WHERE public_miners.user_name = gone.name
    ), d AS (DELETE FROM alert_destinations USING gone WHERE alert_destinations.user_name = gone.name
    ), a AS (DELETE FROM alert_tries USING gone WHERE alert_tries.user_name = gone.name)
    SELECT EXISTS (SELECT 1 FROM gone) AS found`,
    found,
  );
  return row.found;
}

export async function setPayoutAddress(db: Db, userId: bigint, address: string): Promise<void> {
  await db.execute(sql`UPDATE users SET payout_address = ${address} WHERE id = ${userId}::bigint`);
}

/** Sets the address of a user who has none; an address that is set stays. */
export async function fillPayoutAddress(db: Db, name: string, address: string): Promise<void> {
  await db.execute(sql`UPDATE users SET payout_address = ${address}
    WHERE name = ${name} AND payout_address IS NULL`);
}

/** Returns false when there is no such user. */
export async function setAdmin(db: Db, name: string): Promise<boolean> {
  return (await db.execute(sql`UPDATE users SET is_admin = true WHERE name = ${name}`)) === 1;
}

/** `last`: without it nobody who can log in would be one. */
export type Demotion = "demoted" | "not-admin" | "last";

/** Two at once do not put each other out: all administrators' rows are locked. */
export function demoteAdmin(db: Db, name: string, by: string): Promise<Demotion> {
  return db.transaction(async (tx) => {
    const admins = await tx.query(
      sql`SELECT name, password IS NOT NULL AS "canLogIn" FROM users WHERE is_admin ORDER BY users.id FOR UPDATE`,
      v.object({ name: v.string(), canLogIn: v.boolean() }),
    );
    if (!admins.some((one) => one.name === name)) return "not-admin";
    if (!admins.some((one) => one.name !== name && one.canLogIn)) return "last";
    await tx.execute(sql`UPDATE users SET is_admin = false WHERE name = ${name}`);
    const details = { before: "administrator", after: "user" };
    await logAdminAction(tx, { actor: by, action: "demote", subject: name, details });
    return "demoted";
  });
}

export async function anyAdmin(db: Db): Promise<boolean> {
  const row = await one(db, sql`SELECT EXISTS (SELECT 1 FROM users WHERE is_admin) AS found`, found);
  return row.found;
}

const userBalanceRow = v.object({
  /** Later users have higher ones. */
  id: bigintText,
  name: v.string(),
  payoutAddress: v.nullable(v.string()),
  isAdmin: v.boolean(),
  canLogIn: v.boolean(),
  /** By the operator, now. */
  barred: v.boolean(),
  /** Unix milliseconds. */
  createdAtMs: v.number(),
  booked: bigintText,
  paidOut: bigintText,
  owed: bigintText,
});
export type UserBalanceListing = v.InferOutput<typeof userBalanceRow>;

export interface UserSearch {
  readonly limit: number;
  /** Users of lower ids only. */
  readonly before?: bigint | undefined;
  /** Part of the name, whatever its case, or the payout address; "": everybody. */
  readonly search?: string;
}

/** The newest users first, amounts in 1e-8 PEG. */
export function listUserBalances(
  db: Db,
  { limit, before, search = "" }: UserSearch,
): Promise<UserBalanceListing[]> {
  return db.query(
    sql`SELECT u.id::text AS id, u.name, u.payout_address AS "payoutAddress", u.is_admin AS "isAdmin", u.password IS NOT NULL AS "canLogIn",
      extract(epoch FROM u.created_at)::float8 * 1000 AS "createdAtMs",
      EXISTS (SELECT 1 FROM bars WHERE bars.kind = 'user' AND bars.subject = u.name AND bars.lifted_at IS NULL
        AND (bars.until IS NULL OR bars.until > now())) AS barred,
      b.booked::text AS booked, b.paid_out::text AS "paidOut", b.owed::text AS owed
      FROM (SELECT * FROM users WHERE users.id < ${before ?? 0x7fff_ffff_ffff_ffffn}::bigint
        AND (${search}::text = '' OR position(lower(${search}::text) IN lower(users.name)) > 0 OR users.payout_address = ${search}::text)
        ORDER BY users.id DESC LIMIT ${limit}::int) u
      JOIN shown_balances b ON b.user_name = u.name ORDER BY u.id DESC`,
    userBalanceRow,
  );
}
