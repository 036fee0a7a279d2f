/**
 * Pages that wait for a miner, and what edges saw of it, where pages and edges meet in the database only (docs/decisions/connect-codes.md). A page that
 * asks is open for a while; edges write for open pages and for no other.
 */

import * as v from "valibot";
import { type Sighted, type SightedBy, sighted } from "../messages/sighted.ts";
import { type Db, json, jsonText, sql } from "./port.ts";

/** Pages ask each two seconds, and not at all while they are hidden. */
const OPEN = "20 seconds";
/** One that asks is put off no more often than that: an answer is read, seldom written. */
const PUT_OFF = "10 seconds";
/** Of all places, and of one: anybody may open pages. */
export const MOST_WATCHES = 1_000;
export const MOST_OF_PLACE = 8;

const answerRow = v.object({ watched: v.boolean(), seen: v.nullable(v.pipe(jsonText, v.array(sighted))) });

/** Keeps the page open, and gives what edges saw for it so far, the newest last; undefined where too many are open. */
export async function lookForMiner(db: Db, { code, place }: SightedBy): Promise<Sighted[] | undefined> {
  const others = sql`SELECT count(*) FROM connect_watches WHERE until > clock_timestamp() AND code <> ${code}`;
  const rows = await db.query(
    sql`WITH marked AS (
      INSERT INTO connect_watches AS w (code, place, until) SELECT ${code}, ${place}, clock_timestamp() + ${OPEN}::interval
      WHERE (${others}) < ${MOST_WATCHES}::int AND (${others} AND place = ${place}) < ${MOST_OF_PLACE}::int
      ON CONFLICT (code) DO UPDATE SET place = excluded.place, until = excluded.until
        WHERE w.until < clock_timestamp() + ${PUT_OFF}::interval OR w.place <> excluded.place
      RETURNING 1
    )
    SELECT EXISTS (SELECT FROM marked) OR EXISTS (SELECT FROM connect_watches WHERE code = ${code} AND until > clock_timestamp()) AS watched, s.seen
    FROM (VALUES (1)) AS always LEFT JOIN connect_sightings s ON s.code = ${code}`,
    answerRow,
  );
  if (!rows.some(({ watched }) => watched)) return undefined;
  return rows.flatMap(({ seen }) => seen ?? []).toSorted((a, b) => a.connectedMs - b.connectedMs);
}

const watchRow = v.object({ code: v.string(), place: v.string() });

/** Pages that are open now. */
export function openWatches(db: Db): Promise<SightedBy[]> {
  return db.query(
    sql`SELECT code, place FROM connect_watches WHERE until > clock_timestamp() ORDER BY until DESC LIMIT ${MOST_WATCHES}::int`,
    watchRow,
  );
}

export interface SightingsRow {
  /** Of the page. */
  readonly code: string;
  readonly seen: readonly Sighted[];
}

/** In place of what this edge wrote before; nothing for a page that is gone. */
export async function writeSightings(db: Db, edge: string, rows: readonly SightingsRow[]): Promise<void> {
  await db.execute(
    sql`INSERT INTO connect_sightings (code, edge, seen) SELECT w.code, ${edge}, r.seen::text
      FROM jsonb_to_recordset(${json(rows)}::jsonb) AS r(code text, seen jsonb) JOIN connect_watches w ON w.code = r.code ORDER BY w.code
      ON CONFLICT (code, edge) DO UPDATE SET seen = excluded.seen`,
  );
}

/** Throws away what no page has asked for in a minute. */
export async function pruneWatches(db: Db): Promise<void> {
  await db.execute(sql`DELETE FROM connect_watches WHERE until < clock_timestamp() - interval '1 minute'`);
}
