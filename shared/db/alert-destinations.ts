/** Where users want to be told, as they see and change it (0075_alerts.sql). */

import * as v from "valibot";
import {
  type AlertEvent,
  alertEvent,
  type ChannelKind,
  channelKind,
  MOST_DESTINATIONS,
} from "../alerts/kinds.ts";
import type { QuietHours } from "../alerts/quiet-hours.ts";
import { instant, ms } from "./instants.ts";
import { bigintText, type Db, first, json, jsonText, one, type Sql, sql } from "./port.ts";

const destinationRow = v.object({
  id: bigintText,
  kind: channelKind,
  target: v.string(),
  /** What this version does not know it does not show. */
  events: v.pipe(
    jsonText,
    v.array(v.string()),
    v.transform((events) => events.filter((event): event is AlertEvent => v.is(alertEvent, event))),
  ),
  everyMinutes: v.number(),
  quietFrom: v.nullable(v.number()),
  quietUntil: v.nullable(v.number()),
  zone: v.string(),
  /** They hold urgent checks of the pool too. */
  quietUrgent: v.boolean(),
  confirmed: v.boolean(),
  paused: v.boolean(),
  failures: v.number(),
  triedMs: v.nullable(v.number()),
  /** Why the last try failed; "": it was delivered. */
  result: v.string(),
  waitUntilMs: v.number(),
  /** Things that are to be told. */
  due: v.number(),
});
export type AlertDestination = v.InferOutput<typeof destinationRow>;

/** The oldest first. */
export function listDestinations(db: Db, user: string): Promise<AlertDestination[]> {
  return db.query(
    sql`SELECT d.id::text AS id, d.kind, d.target, to_jsonb(d.events)::text AS events, d.every_minutes AS "everyMinutes", d.quiet_from AS "quietFrom",
      d.quiet_until AS "quietUntil", d.zone, d.quiet_urgent AS "quietUrgent", d.code IS NULL AS confirmed, d.paused_at IS NOT NULL AS paused, d.failures,
      ${ms(sql`d.tried_at`)} AS "triedMs", d.result, ${ms(sql`d.wait_until`)} AS "waitUntilMs",
      (SELECT count(*) FROM alerts a WHERE a.destination = d.id AND a.due_at IS NOT NULL)::int AS due
      FROM alert_destinations d WHERE d.user_name = ${user} ORDER BY d.id`,
    destinationRow,
  );
}

/** What a user chooses for a destination. */
export interface AlertChoice {
  readonly events: readonly AlertEvent[];
  readonly everyMinutes: number;
  readonly quiet: QuietHours | null;
  /** Of an administrator: quiet hours hold urgent checks of the pool too. Default: they do not. */
  readonly quietUrgent?: boolean;
}

export interface NewDestination extends AlertChoice {
  readonly user: string;
  readonly kind: ChannelKind;
  readonly target: string;
  readonly secret: string;
}

const textArray = (texts: readonly string[]): Sql =>
  sql`ARRAY(SELECT jsonb_array_elements_text(${json(texts)}::jsonb))`;

/** Undefined, and nothing changed, where the user has as many as there may be. `code`: it must be confirmed by it first. */
export async function addDestination(
  db: Db,
  { user, kind, target, secret, events, everyMinutes, quiet, quietUrgent = false }: NewDestination,
  code: string | null,
): Promise<bigint | undefined> {
  const row = await first(
    db,
    sql`INSERT INTO alert_destinations (user_name, kind, target, secret, events, every_minutes, quiet_from, quiet_until, zone, quiet_urgent, code)
      SELECT ${user}::text, ${kind}::text, ${target}::text, ${secret}::text, ${textArray(events)}, ${everyMinutes}::int, ${quiet?.from ?? null}::int,
        ${quiet?.until ?? null}::int, ${quiet?.zone ?? "UTC"}::text, ${quietUrgent}::boolean, ${code}::text
      WHERE (SELECT count(*) FROM alert_destinations WHERE user_name = ${user}) < ${MOST_DESTINATIONS}::int RETURNING id::text AS id`,
    v.object({ id: bigintText }),
  );
  return row?.id;
}

/** False where the user has no such destination. What is not chosen any more is not told; what was held for quiet hours is looked at anew. */
export async function changeDestination(
  db: Db,
  user: string,
  id: bigint,
  { events, everyMinutes, quiet, quietUrgent = false }: AlertChoice,
): Promise<boolean> {
  const row = await one(
    db,
    sql`WITH changed AS (
      UPDATE alert_destinations SET events = ${textArray(events)}, every_minutes = ${everyMinutes}::int, quiet_from = ${quiet?.from ?? null}::int,
        quiet_until = ${quiet?.until ?? null}::int, zone = ${quiet?.zone ?? "UTC"},
        quiet_urgent = ${quietUrgent}::boolean
      WHERE id = ${id}::bigint AND user_name = ${user} RETURNING id, events, wait_until, every_minutes
    ), moved AS (
      UPDATE alerts a SET due_at = CASE WHEN a.kind = ANY (c.events) OR a.kind IN ('code', 'test', 'reset')
        THEN greatest(a.at, c.wait_until, a.told_at + c.every_minutes * interval '1 minute') END
      FROM changed c WHERE a.destination = c.id AND a.due_at IS NOT NULL
    )
    SELECT EXISTS (SELECT 1 FROM changed) AS found`,
    v.object({ found: v.boolean() }),
  );
  return row.found;
}

export async function removeDestination(db: Db, user: string, id: bigint): Promise<boolean> {
  return (
    (await db.execute(
      sql`DELETE FROM alert_destinations WHERE id = ${id}::bigint AND user_name = ${user}`,
    )) === 1
  );
}

/** How many messages a user may ask for in a day, and how many may go to one target, of all users together. */
export interface AskLimit {
  readonly ofUser: number;
  readonly toTarget: number;
}

/**
 * Sends a message of its own to a destination, whatever it is told otherwise: a test, or a code that is good until `untilMs`. `too-many`: not before
 * some hours have passed.
 */
export async function askMessage(
  db: Db,
  asked: {
    readonly user: string;
    readonly id: bigint;
    readonly kind: "code" | "test";
    readonly code: string;
  },
  limit: AskLimit,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): Promise<"asked" | "too-many" | "none"> {
  const { user, id, kind, code } = asked;
  const now = instant(nowMs);
  const row = await one(
    db,
    sql`WITH meant AS (
      SELECT d.id, d.target FROM alert_destinations d WHERE d.id = ${id}::bigint AND d.user_name = ${user}
        AND (d.code IS NULL) = (${kind}::text = 'test')
    ), allowed AS (
      SELECT m.* FROM meant m
      WHERE (SELECT count(*) FROM alert_tries t WHERE t.user_name = ${user} AND t.kind = ${kind} AND t.at > ${now} - interval '1 day') < ${limit.ofUser}::int
        AND (SELECT count(*) FROM alert_tries t WHERE t.target = m.target AND t.kind = ${kind} AND t.at > ${now} - interval '1 day') < ${limit.toTarget}::int
    ), tried AS (
      INSERT INTO alert_tries (user_name, kind, target, at) SELECT ${user}::text, ${kind}::text, target, ${now} FROM allowed
    ), coded AS (
      UPDATE alert_destinations d SET code = ${code}, code_until = ${instant(untilMs)}, code_tries = 0
      FROM allowed m WHERE d.id = m.id AND ${kind}::text = 'code'
    ), due AS (
      INSERT INTO alerts AS a (destination, kind, subject, at, details, events, due_at)
        SELECT id, ${kind}::text, '', ${now}, ${kind === "code" ? code : ""}::text, 1, ${now} FROM allowed
      ON CONFLICT (destination, kind, subject) DO UPDATE SET version = a.version + 1, at = excluded.at, details = excluded.details, events = 1,
        due_at = excluded.due_at
    )
    SELECT EXISTS (SELECT 1 FROM meant) AS meant, EXISTS (SELECT 1 FROM allowed) AS allowed`,
    v.object({ meant: v.boolean(), allowed: v.boolean() }),
  );
  if (!row.meant) return "none";
  return row.allowed ? "asked" : "too-many";
}

/** Wrong codes of one message; after them another must be asked for. */
const MOST_CODE_TRIES = 5;

/** True where the code is right: the destination is told what was chosen from now on. */
export async function confirmDestination(
  db: Db,
  user: string,
  id: bigint,
  code: string,
  nowMs: number,
): Promise<boolean> {
  const row = await first(
    db,
    sql`UPDATE alert_destinations SET code_tries = code_tries + 1, code = CASE WHEN code = ${code} THEN NULL ELSE code END
      WHERE id = ${id}::bigint AND user_name = ${user} AND code IS NOT NULL AND code_until > ${instant(nowMs)} AND code_tries < ${MOST_CODE_TRIES}::int
      RETURNING code IS NULL AS confirmed`,
    v.object({ confirmed: v.boolean() }),
  );
  return row?.confirmed ?? false;
}
