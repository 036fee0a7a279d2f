/** Codes sent by e-mail to set a new password by (0086_account_care.sql). Every function is one statement. */

import * as v from "valibot";
import { instant } from "./instants.ts";
import { bigintText, type Db, first, sql } from "./port.ts";

/** In a day, of one user and to one address of e-mail. */
const MOST = { ofUser: 6, toTarget: 3 };

/**
 * Puts the code into the outbox of alerts, for every confirmed address of e-mail of the user; it takes the place of an earlier one. Nothing where the user
 * has none, is an administrator, was sent too many today, or is not there: nobody is told which.
 */
export async function askReset(
  db: Db,
  asked: { readonly name: string; readonly code: string; readonly codeHash: string },
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): Promise<void> {
  const now = instant(nowMs);
  await db.execute(
    sql`WITH meant AS (
      SELECT u.id AS user_id, u.name, d.id, d.target FROM users u JOIN alert_destinations d ON d.user_name = u.name
      WHERE u.name = ${asked.name} AND NOT u.is_admin AND u.deleted_at IS NULL AND d.kind = 'email' AND d.code IS NULL
    ), allowed AS (
      SELECT m.* FROM meant m
      WHERE (SELECT count(*) FROM alert_tries t WHERE t.user_name = m.name AND t.kind = 'reset' AND t.at > ${now} - interval '1 day') < ${MOST.ofUser}::int
        AND (SELECT count(*) FROM alert_tries t WHERE t.target = m.target AND t.kind = 'reset' AND t.at > ${now} - interval '1 day') < ${MOST.toTarget}::int
    ), tried AS (
      INSERT INTO alert_tries (user_name, kind, target, at) SELECT name, 'reset', target, ${now} FROM allowed
    ), coded AS (
      INSERT INTO password_resets (user_id, code_hash, expires_at) SELECT DISTINCT user_id, ${asked.codeHash}::text, ${instant(untilMs)} FROM allowed
      ON CONFLICT (user_id) DO UPDATE SET code_hash = excluded.code_hash, expires_at = excluded.expires_at
    )
    INSERT INTO alerts AS a (destination, kind, subject, at, details, events, due_at)
      SELECT id, 'reset', '', ${now}, ${asked.code}::text, 1, ${now} FROM allowed
    ON CONFLICT (destination, kind, subject) DO UPDATE SET version = a.version + 1, at = excluded.at, details = excluded.details, events = 1,
      due_at = excluded.due_at`,
  );
}

/** Uses up a code; undefined where there is none such, or it is too old. */
export function takeReset(
  db: Db,
  codeHash: string,
  nowMs: number,
): Promise<{ readonly id: bigint; readonly name: string } | undefined> {
  return first(
    db,
    sql`DELETE FROM password_resets r USING users u WHERE r.code_hash = ${codeHash} AND r.expires_at > ${instant(nowMs)} AND u.id = r.user_id
      RETURNING u.id::text AS id, u.name`,
    v.object({ id: bigintText, name: v.string() }),
  );
}
