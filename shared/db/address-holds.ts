/** Payout addresses that were changed within the last day: nothing is paid to them yet, and the former one can be taken back (0086_account_care.sql). */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { type Db, first, sql } from "./port.ts";

const holdRow = v.object({ former: v.string(), changedMs: v.number(), untilMs: v.number() });
export type AddressHold = v.InferOutput<typeof holdRow>;

/** Undefined where the address is paid to. */
export function findHold(db: Db, user: string): Promise<AddressHold | undefined> {
  return first(
    db,
    sql`SELECT former, ${ms(sql`changed_at`)} AS "changedMs", ${ms(sql`held_until`)} AS "untilMs" FROM address_holds
      WHERE user_name = ${user} AND held_until > now()`,
    holdRow,
  );
}

/** Back to the former address, which is paid to at once. False where nothing is held. */
export async function takeBackAddress(db: Db, user: string): Promise<boolean> {
  const changed = await db.execute(sql`UPDATE users SET payout_address = h.former FROM address_holds h
    WHERE users.name = ${user} AND h.user_name = users.name AND h.held_until > now()`);
  return changed === 1;
}

/**
 * The same by the code of the alert, without a login. Every session of the user ends: somebody else knows the password. Undefined where there is no
 * such code, or it is too late.
 */
export async function takeBackByCode(db: Db, code: string): Promise<string | undefined> {
  const row = await first(
    db,
    sql`WITH kept AS (
      UPDATE users SET payout_address = h.former FROM address_holds h
      WHERE h.code = ${code} AND h.held_until > now() AND users.name = h.user_name RETURNING users.id, users.name
    ), ended AS (
      DELETE FROM sessions USING kept WHERE sessions.user_id = kept.id
    )
    SELECT kept.name FROM kept`,
    v.object({ name: v.string() }),
  );
  return row?.name;
}
