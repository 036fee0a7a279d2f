/** What users let everybody see: nothing, unless they choose (0089_public_miners.sql). */

import * as v from "valibot";
import { SHOWN, type Shown } from "../accounts/shown.ts";
import { type Db, first, json, jsonText, sql } from "./port.ts";

const shows = v.pipe(jsonText, v.array(v.picklist(SHOWN)));

export async function shownOf(db: Db, user: string): Promise<readonly Shown[]> {
  const row = await first(
    db,
    sql`SELECT to_jsonb(shows)::text AS shows FROM public_miners WHERE user_name = ${user}`,
    v.object({ shows }),
  );
  return row?.shows ?? [];
}

export async function setShown(db: Db, user: string, chosen: readonly Shown[]): Promise<void> {
  await db.execute(sql`INSERT INTO public_miners AS m (user_name, shows)
    VALUES (${user}, ARRAY(SELECT jsonb_array_elements_text(${json([...new Set(chosen)])}::jsonb)))
    ON CONFLICT (user_name) DO UPDATE SET shows = excluded.shows, changed_at = now()`);
}

const foundRow = v.object({ name: v.string(), address: v.nullable(v.string()), shows });
export type FoundMiner = v.InferOutput<typeof foundRow>;

/** Those of this name or payout address that show something; by the address only those that let it be known. Some of many. */
export function findMiners(db: Db, who: string, limit: number): Promise<FoundMiner[]> {
  return db.query(
    sql`SELECT m.user_name AS name, u.payout_address AS address, to_jsonb(m.shows)::text AS shows
      FROM public_miners m JOIN users u ON u.name = m.user_name
      WHERE cardinality(m.shows) > 0 AND (m.user_name = ${who} OR (u.payout_address = ${who} AND 'address' = ANY (m.shows)))
      ORDER BY m.user_name LIMIT ${limit}::int`,
    foundRow,
  );
}
