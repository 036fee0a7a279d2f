/**
 * What the doctor finds, in the outbox of administrators' alerts (0090_check_alerts.sql): each red check once, a day later again, and once when it is
 * in order again. Told is what differs from what was told last, so a check that flaps makes at most one message of each kind in a destination's time.
 */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { type Db, json, sql } from "./port.ts";

const stateRow = v.object({
  name: v.string(),
  isRed: v.boolean(),
  /** About money or the chain: told in quiet hours too. */
  urgent: v.boolean(),
  /** It is so. */
  sinceMs: v.number(),
  said: v.string(),
  mend: v.string(),
});
/** A check of the doctor, as it was judged last. */
export type CheckState = v.InferOutput<typeof stateRow>;

export function listCheckStates(db: Db): Promise<CheckState[]> {
  return db.query(
    sql`SELECT name, is_red AS "isRed", urgent, ${ms(sql`since`)} AS "sinceMs", said, mend FROM check_states ORDER BY check_states.name`,
    stateRow,
  );
}

const REMIND = "1 day";

/** Writes how all checks are now, and puts into the outbox what administrators have to be told of it. May be called as often as one likes. */
export async function tellChecks(db: Db, states: readonly CheckState[], nowMs: number): Promise<void> {
  const now = instant(nowMs);
  // A message from the future is of a clock that was set back since.
  const soonest = (last: "r" | "m") =>
    sql`greatest(${now}, d.wait_until, CASE WHEN ${{ text: `${last}.told_at`, values: [] }} <= ${now} + interval '1 day'
      THEN ${{ text: `${last}.told_at`, values: [] }} + d.every_minutes * interval '1 minute' END)`;
  const wanting = sql`alert_destinations d JOIN users u ON u.name = d.user_name AND u.is_admin AND 'red' = ANY (d.events)
    AND d.code IS NULL AND d.paused_at IS NULL`;
  const again = sql`ON CONFLICT (destination, kind, subject) DO UPDATE SET version = a.version + 1, at = excluded.at, since = excluded.since,
    details = excluded.details, events = 1, due_at = excluded.due_at`;
  await db.transaction(async (tx) => {
    await tx.execute(sql`INSERT INTO check_states (name, is_red, urgent, since, said, mend, looked_at)
      SELECT g.name, g."isRed", g.urgent, to_timestamp(g."sinceMs" / 1000), g.said, g.mend, ${now}
      FROM jsonb_to_recordset(${json(states)}::jsonb) AS g(name text, "isRed" boolean, urgent boolean, "sinceMs" float8, said text, mend text)
      ON CONFLICT (name) DO UPDATE SET is_red = excluded.is_red, urgent = excluded.urgent, since = excluded.since, said = excluded.said,
        mend = excluded.mend, looked_at = excluded.looked_at`);
    await tx.execute(sql`DELETE FROM check_states WHERE looked_at <> ${now}`);
    // What is not so any more is not told; nor to whom is no administrator any more.
    await tx.execute(sql`UPDATE alerts a SET due_at = NULL WHERE a.kind IN ('red', 'mended') AND a.due_at IS NOT NULL
      AND (NOT EXISTS (SELECT 1 FROM check_states c WHERE c.name = a.subject AND c.is_red = (a.kind = 'red'))
        OR NOT EXISTS (SELECT 1 FROM alert_destinations d JOIN users u ON u.name = d.user_name WHERE d.id = a.destination AND u.is_admin))`);
    await tx.execute(sql`INSERT INTO alerts AS a (destination, kind, subject, at, since, details, events, due_at)
      SELECT d.id, 'red', c.name, ${now}, c.since, c.said || '. To mend it: ' || c.mend, 1, ${soonest("r")}
      FROM check_states c CROSS JOIN ${wanting}
      LEFT JOIN alerts r ON r.destination = d.id AND r.kind = 'red' AND r.subject = c.name
      LEFT JOIN alerts m ON m.destination = d.id AND m.kind = 'mended' AND m.subject = c.name
      WHERE c.is_red AND r.due_at IS NULL
        AND (r.told_at IS NULL OR m.told_at >= r.told_at OR r.told_at <= ${now} - ${REMIND}::interval)
      ${again}`);
    await tx.execute(sql`INSERT INTO alerts AS a (destination, kind, subject, at, since, details, events, due_at)
      SELECT d.id, 'mended', c.name, ${now}, c.since, c.said, 1, ${soonest("m")}
      FROM check_states c CROSS JOIN ${wanting}
      JOIN alerts r ON r.destination = d.id AND r.kind = 'red' AND r.subject = c.name
      LEFT JOIN alerts m ON m.destination = d.id AND m.kind = 'mended' AND m.subject = c.name
      WHERE NOT c.is_red AND r.told_at IS NOT NULL AND m.due_at IS NULL AND (m.told_at IS NULL OR m.told_at < r.told_at)
      ${again}`);
  });
}
