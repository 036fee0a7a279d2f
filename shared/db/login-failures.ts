/** Failed logins as rows, shared by all functions that take logins (0040_login_safety.sql). */

import * as v from "valibot";
import type { BackoffLimit } from "../accounts/backoff.ts";
import { type Db, json, one, sql } from "./port.ts";

/** A hash that tells neither name nor address, and what it is limited to. */
export interface FailureKey extends BackoffLimit {
  readonly key: string;
}

/** Begins a try under all keys; returns the milliseconds to wait where one of them is locked, 0 where it has begun. */
export async function beginLoginTry(db: Db, keys: readonly FailureKey[], nowMs: number): Promise<number> {
  const row = await one(
    db,
    sql`SELECT login_begin(${json(keys)}, ${nowMs}::float8) AS wait`,
    v.object({ wait: v.number() }),
  );
  return row.wait;
}

/** Ends a try that was no failure: it is not counted, and `forget` names the key whose earlier failures go too. */
export async function endLoginTry(db: Db, keys: readonly FailureKey[], forget: string | null): Promise<void> {
  await db.execute(sql`SELECT 1 AS ended FROM login_end(${json(keys)}, ${forget})`);
}
