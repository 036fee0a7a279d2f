/** Second factors and their recovery codes as rows (0040_login_safety.sql). Every function is one statement. */

import * as v from "valibot";
import { bytes, type Db, first, json, one, sql } from "./port.ts";

export interface SecondFactor {
  readonly secret: Uint8Array;
  /** Only a confirmed factor is asked for. */
  readonly confirmed: boolean;
}

export function findSecondFactor(db: Db, userId: bigint): Promise<SecondFactor | undefined> {
  return first(
    db,
    sql`SELECT secret, confirmed_at IS NOT NULL AS confirmed FROM second_factors WHERE user_id = ${userId}::bigint`,
    v.object({ secret: bytes, confirmed: v.boolean() }),
  );
}

/** Stores a new secret, in place of an unconfirmed one. Returns false, and changes nothing, where there is a confirmed one. */
export async function proposeSecondFactor(db: Db, userId: bigint, secret: Uint8Array): Promise<boolean> {
  const changed =
    await db.execute(sql`INSERT INTO second_factors AS f (user_id, secret) VALUES (${userId}::bigint, ${secret})
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, made_at = now(), last_step = 0 WHERE f.confirmed_at IS NULL`);
  return changed === 1;
}

/** Confirms the secret by the step whose code was given, and stores its recovery codes. False where it is no longer the proposed one. */
export async function confirmSecondFactor(
  db: Db,
  userId: bigint,
  confirmation: {
    readonly secret: Uint8Array;
    readonly step: number;
    readonly recoveryHashes: readonly string[];
  },
): Promise<boolean> {
  const { secret, step, recoveryHashes } = confirmation;
  const row = await one(
    db,
    sql`WITH confirmed AS (
      UPDATE second_factors SET confirmed_at = now(), last_step = ${step}::bigint
      WHERE user_id = ${userId}::bigint AND confirmed_at IS NULL AND secret = ${secret} RETURNING user_id
    ), kept AS (
      INSERT INTO recovery_codes (user_id, code_hash)
      SELECT confirmed.user_id, codes.hash FROM confirmed, jsonb_array_elements_text(${json(recoveryHashes)}::jsonb) AS codes(hash)
    )
    SELECT EXISTS (SELECT 1 FROM confirmed) AS confirmed`,
    v.object({ confirmed: v.boolean() }),
  );
  return row.confirmed;
}

/** Uses up a time step; false where it, or a later one, was used before. */
export async function useStep(db: Db, userId: bigint, step: number): Promise<boolean> {
  const used = await db.execute(sql`UPDATE second_factors SET last_step = ${step}::bigint
    WHERE user_id = ${userId}::bigint AND confirmed_at IS NOT NULL AND last_step < ${step}::bigint`);
  return used === 1;
}

/** Uses up a recovery code; false where there is none like it, or it was used before. */
export async function useRecoveryCode(db: Db, userId: bigint, codeHash: string): Promise<boolean> {
  const used = await db.execute(sql`UPDATE recovery_codes SET used_at = now()
    WHERE user_id = ${userId}::bigint AND code_hash = ${codeHash} AND used_at IS NULL`);
  return used === 1;
}

/** Returns false where there was none. */
export async function removeSecondFactor(db: Db, userId: bigint): Promise<boolean> {
  return (await db.execute(sql`DELETE FROM second_factors WHERE user_id = ${userId}::bigint`)) === 1;
}
