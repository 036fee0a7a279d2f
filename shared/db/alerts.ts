/** The outbox of alerts (0075_alerts.sql): who sends takes a destination for a while, and says what became of it. Instants are the caller's clock. */

import * as v from "valibot";
import { alertKind, channelKind, URGENT } from "../alerts/kinds.ts";
import { type DueKind, EACH } from "../alerts/message.ts";
import { instant, ms } from "./instants.ts";
import { bigintText, type Db, json, sql } from "./port.ts";

const claimedRow = v.object({
  id: bigintText,
  user: v.string(),
  kind: channelKind,
  target: v.string(),
  secret: v.string(),
  quietFrom: v.nullable(v.number()),
  quietUntil: v.nullable(v.number()),
  zone: v.string(),
  failures: v.number(),
});
/** A destination with something due, that is this sender's until the claim ends. */
export type ClaimedDestination = v.InferOutput<typeof claimedRow>;

/** Two that claim at a time get different ones. A sender that dies loses its claim after `leaseMs`, and what it did not mark is sent again. */
export function claimDestinations(
  db: Db,
  nowMs: number,
  { most, leaseMs }: { readonly most: number; readonly leaseMs: number },
): Promise<ClaimedDestination[]> {
  const now = instant(nowMs);
  return db.query(
    sql`UPDATE alert_destinations d SET claimed_until = ${instant(nowMs + leaseMs)} WHERE d.id IN (
        SELECT f.id FROM alert_destinations f
        -- A claim from the future is of a clock that was set back since.
        WHERE f.claimed_until NOT BETWEEN ${now} AND ${instant(nowMs + leaseMs)}
          AND f.id IN (SELECT a.destination FROM alerts a WHERE a.due_at <= ${now})
        ORDER BY f.id LIMIT ${most}::int FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING d.id::text AS id, d.user_name AS "user", d.kind, d.target, d.secret, d.quiet_from AS "quietFrom",
        d.quiet_until AS "quietUntil", d.zone, d.failures`,
    claimedRow,
  );
}

const takenRow = v.object({
  kind: alertKind,
  count: v.number(),
  firstMs: v.number(),
  subject: v.string(),
  version: v.number(),
  atMs: v.number(),
  sinceMs: v.nullable(v.number()),
  details: v.string(),
  events: v.number(),
  amount: bigintText,
});

/** Takes all that is due at a claimed destination, to be marked delivered or failed: by kind, of each how many and the first few. */
export async function takeDue(db: Db, destination: bigint, nowMs: number): Promise<DueKind[]> {
  const now = instant(nowMs);
  const rows = await db.query(
    sql`WITH took AS (
      -- What a sender that died had taken, it has not any more.
      UPDATE alerts SET taken = CASE WHEN due_at <= ${now} THEN version END
      WHERE destination = ${destination}::bigint AND (due_at <= ${now} OR taken IS NOT NULL) RETURNING *
    ), ranked AS (
      SELECT t.*, row_number() OVER (PARTITION BY t.kind ORDER BY t.at, t.subject) AS place, count(*) OVER (PARTITION BY t.kind) AS number,
        min(coalesce(t.since, t.at)) OVER (PARTITION BY t.kind) AS begun, min(t.at) OVER (PARTITION BY t.kind) AS happened
      FROM took t WHERE t.taken IS NOT NULL
    )
    SELECT kind, number::int AS count, ${ms(sql`begun`)} AS "firstMs", subject, version, ${ms(sql`at`)} AS "atMs", ${ms(sql`since`)} AS "sinceMs",
      details, events, amount::text AS amount
    FROM ranked WHERE place <= ${EACH}::int ORDER BY ranked.happened, ranked.kind, ranked.place`,
    takenRow,
  );
  return [...Map.groupBy(rows, ({ kind }) => kind)].map(([kind, first]) => ({
    ...{ kind, first, count: first[0]?.count ?? 0, firstMs: first[0]?.firstMs ?? 0 },
  }));
}

/** What can wait is told when the quiet ends. */
export async function holdAlerts(db: Db, destination: bigint, nowMs: number, untilMs: number): Promise<void> {
  await db.execute(
    sql`UPDATE alerts SET due_at = ${instant(untilMs)} FROM alert_destinations d
      WHERE d.id = ${destination}::bigint AND destination = d.id AND due_at <= ${instant(nowMs)}
        AND alerts.kind NOT IN (SELECT jsonb_array_elements_text(${json(URGENT)}::jsonb))
        AND (alerts.kind <> 'red' OR d.quiet_urgent OR NOT EXISTS (SELECT 1 FROM check_states c WHERE c.name = subject AND c.urgent))`,
  );
}

/** Delivered: what has changed meanwhile stays due, when its kind may be told again. The destination is free. */
export async function markDelivered(db: Db, destination: bigint, nowMs: number): Promise<void> {
  const now = instant(nowMs);
  await db.execute(
    sql`WITH sent AS (
      UPDATE alerts a SET told_at = ${now}, taken = NULL,
        -- A code that sets a password is kept no longer than it must.
        details = CASE WHEN a.kind = 'reset' AND a.version = a.taken THEN '' ELSE a.details END,
        due_at = CASE WHEN a.version > a.taken THEN greatest(a.due_at, ${now} + d.every_minutes * interval '1 minute') END
      FROM alert_destinations d WHERE d.id = ${destination}::bigint AND a.destination = d.id AND a.taken IS NOT NULL
    )
    UPDATE alert_destinations SET claimed_until = 'epoch', failures = 0, failing_since = NULL, wait_until = 'epoch', paused_at = NULL,
      tried_at = ${now}, result = '' WHERE id = ${destination}::bigint`,
  );
}

/** A claimed destination with nothing to tell any more. */
export async function releaseDestination(db: Db, destination: bigint): Promise<void> {
  await db.execute(
    sql`UPDATE alert_destinations SET claimed_until = 'epoch' WHERE id = ${destination}::bigint`,
  );
}

export interface Failure {
  /** For its owner to read; no secret in it. */
  readonly result: string;
  readonly waitMs: number;
  /** It failed for so long, or refused for good: nothing is kept for it until its owner has tried it again. */
  readonly pauseAfterMs: number;
}

/** Not delivered: what is due stays due, after a while. Codes and tests are not tried again: whoever asked sees the result and asks again. */
export async function markFailed(
  db: Db,
  destination: bigint,
  { result, waitMs, pauseAfterMs }: Failure,
  nowMs: number,
): Promise<void> {
  const now = instant(nowMs);
  const until = instant(nowMs + waitMs);
  await db.execute(
    sql`WITH failed AS (
      UPDATE alert_destinations SET claimed_until = 'epoch', failures = failures + 1, failing_since = coalesce(failing_since, ${now}),
        wait_until = ${until}, tried_at = ${now}, result = ${result},
        paused_at = CASE WHEN coalesce(failing_since, ${now}) <= ${instant(nowMs - pauseAfterMs)} THEN ${now} END
      WHERE id = ${destination}::bigint RETURNING id, paused_at
    )
    UPDATE alerts a SET due_at = CASE WHEN f.paused_at IS NULL AND a.kind NOT IN ('code', 'test') THEN ${until} END
      FROM failed f WHERE a.destination = f.id AND (a.due_at < ${until} OR f.paused_at IS NOT NULL AND a.due_at IS NOT NULL)`,
  );
}

/** Removes what was told long ago, and tries that count no more. */
export async function pruneAlerts(db: Db, nowMs: number): Promise<void> {
  const day = 24 * 3_600_000;
  await db.execute(sql`WITH tries AS (DELETE FROM alert_tries WHERE at < ${instant(nowMs - day)})
    DELETE FROM alerts WHERE due_at IS NULL AND at < ${instant(nowMs - 8 * day)} AND coalesce(told_at, 'epoch') < ${instant(nowMs - 8 * day)}`);
}

export interface LoginAlert {
  readonly user: string;
  /** SHA-256 of the places that the login came from, in hex (shared/accounts/place.ts). */
  readonly places: readonly string[];
  /** As its owner is told it. */
  readonly from: string;
  readonly nowMs: number;
}

/** A login from places that are none of the user's: told, unless the user has no places yet. Before the places are remembered. */
export async function alertLogin(db: Db, { user, places, from, nowMs }: LoginAlert): Promise<void> {
  await db.execute(
    sql`SELECT 1 AS done FROM users u, LATERAL alert_add(ARRAY[u.name], ARRAY['login'::text], ARRAY[''::text], ARRAY[${instant(nowMs)}],
      ARRAY[NULL::timestamptz], ARRAY[${from}::text], ARRAY[0::numeric])
    WHERE u.name = ${user} AND EXISTS (SELECT 1 FROM login_places p WHERE p.user_id = u.id)
      AND NOT EXISTS (SELECT 1 FROM login_places p WHERE p.user_id = u.id AND p.place IN (SELECT jsonb_array_elements_text(${json(places)}::jsonb)))`,
  );
}

/** Of a rig's shares of this hour and the last one. */
const REFUSED_PART = 0.1;
const REFUSED_LEAST = 20;

/** Puts rigs whose shares are refused into the outbox, each once a day while that goes on. */
export async function alertRefused(db: Db, nowMs: number): Promise<void> {
  await db.execute(
    sql`SELECT 1 AS done FROM alert_refused(${instant(nowMs)}, ${REFUSED_PART}::float8, ${REFUSED_LEAST}::int)`,
  );
}
