/** Figures of the whole pool for Prometheus, that are cheap at any size: no table that grows with miners times blocks is read. */

import * as v from "valibot";
import { bigintText, type Db, one, sql } from "./port.ts";

const measuresRow = v.object({
  /** Of the newest row, by the database's clock; null before the first. */
  pricesAgeSeconds: v.nullable(v.number()),
  /** To all together, 1e-8 PEG: what was booked and adjusted, less what was paid. */
  owed: bigintText,
  /** To all together, 1e-8 PEG. */
  paid: bigintText,
  /** Entries that paid. */
  payouts: v.number(),
  lastPayoutMs: v.nullable(v.number()),
});
export type PoolMeasures = v.InferOutput<typeof measuresRow>;

export function poolMeasures(db: Db): Promise<PoolMeasures> {
  return one(
    db,
    sql`WITH paid AS (SELECT coalesce(sum(amount), 0) AS amount, count(DISTINCT entry_hash) AS entries, max(at) AS last FROM payments),
      booked AS (SELECT coalesce(sum(jobs.paid), 0) AS amount FROM jobs WHERE state = 'sealed'),
      adjusted AS (SELECT coalesce(sum(amount), 0) AS amount FROM adjustments)
    SELECT (SELECT extract(epoch FROM clock_timestamp() - made_at)::float8 FROM prices ORDER BY prices.id DESC LIMIT 1) AS "pricesAgeSeconds",
      (booked.amount + adjusted.amount - paid.amount)::text AS owed, paid.amount::text AS paid, paid.entries::int AS payouts,
      (extract(epoch FROM paid.last) * 1000)::float8 AS "lastPayoutMs"
    FROM paid, booked, adjusted`,
    measuresRow,
  );
}
