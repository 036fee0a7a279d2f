/** Price rows: the prices that the poller chose, and why. The next job is built from the newest row (docs/design.md, "Following the chain"). */

import * as v from "valibot";
import type { OprVersion } from "../opr/assets.ts";
import { PRICE_BASES, type PriceNote } from "../prices/asset-prices.ts";
import { QUOTE_FATES } from "../prices/quote.ts";
import { bigintText, type Db, first, json, jsonText, one, sql } from "./port.ts";

const quoteLine = v.tuple([v.string(), v.string(), v.number(), v.picklist(QUOTE_FATES)]);
const priceNote = v.object({
  basis: v.picklist(PRICE_BASES),
  sinceMs: v.exactOptional(v.number()),
  closed: v.exactOptional(v.literal(true)),
  single: v.exactOptional(v.literal(true)),
  quotes: v.array(quoteLine),
});

const pricesByAsset = v.record(v.string(), bigintText);
const idRow = v.object({ id: bigintText });

const priceRow = v.object({
  id: bigintText,
  /** The poller's civil time, for people. */
  atMs: v.number(),
  /** By the database's clock. If that clock was set back, the age is below 0, by more than clocks differ in a transaction. */
  ageMs: v.number(),
  version: v.number(),
  /** 1e-8 USD by asset. */
  prices: v.pipe(jsonText, pricesByAsset),
});
const notedRow = v.object({ ...priceRow.entries, notes: v.pipe(jsonText, v.record(v.string(), priceNote)) });

export type PriceRow = v.InferOutput<typeof priceRow>;
/** With how each asset got its price: up to some 20 KB. */
export type NotedPriceRow = v.InferOutput<typeof notedRow>;

const columns = sql`id::text AS id, (extract(epoch FROM at) * 1000)::float8 AS "atMs",
  (extract(epoch FROM clock_timestamp() - made_at) * 1000)::float8 AS "ageMs", version, prices::text AS prices`;

/** A row may seem this far ahead: ordinary corrections move a clock by as much. */
const FUTURE_SLACK_MS = 5_000;

/** The database's clock was set back since the row was written: nobody knows its age. */
export function isFromFuture({ ageMs }: { readonly ageMs: number }): boolean {
  return ageMs < -FUTURE_SLACK_MS;
}

/** Writes a row and returns its id. */
export async function insertPrices(
  db: Db,
  row: {
    readonly atMs: number;
    readonly version: OprVersion;
    readonly prices: ReadonlyMap<string, bigint>;
    readonly notes: ReadonlyMap<string, PriceNote>;
  },
): Promise<bigint> {
  const inserted = await one(
    db,
    sql`INSERT INTO prices (at, version, prices, quotes)
      VALUES (to_timestamp(${row.atMs}::float8 / 1000), ${row.version}, ${json(Object.fromEntries(row.prices))}::jsonb,
        ${json(Object.fromEntries(row.notes))}::jsonb)
      RETURNING id::text AS id`,
    idRow,
  );
  return inserted.id;
}

/** The newest row by sequence, whatever the clocks say, without its notes, as the next job needs it; undefined before the first poll. */
export function newestPrices(db: Db): Promise<PriceRow | undefined> {
  // `prices.id` is the number. A bare `id` is the answer's text column, and as text 9 sorts above 10.
  return first(db, sql`SELECT ${columns} FROM prices ORDER BY prices.id DESC LIMIT 1`, priceRow);
}

/** The newest row by sequence with its notes, for the poller's ladder and for people. */
export function newestNotedPrices(db: Db): Promise<NotedPriceRow | undefined> {
  return first(
    db,
    sql`SELECT ${columns}, quotes::text AS notes FROM prices ORDER BY prices.id DESC LIMIT 1`,
    notedRow,
  );
}

const winningRow = v.object({
  /** Of the block. */
  atMs: v.number(),
  /** 1e-8 USD by asset. */
  prices: v.pipe(jsonText, pricesByAsset),
});

/** The winning record's prices of the last graded block; undefined before the first. */
export function lastWinningPrices(db: Db): Promise<v.InferOutput<typeof winningRow> | undefined> {
  return first(
    db,
    sql`SELECT (extract(epoch FROM at) * 1000)::float8 AS "atMs", prices::text AS prices FROM blocks
      WHERE prices IS NOT NULL ORDER BY height DESC LIMIT 1`,
    winningRow,
  );
}

/**
 * Removes rows older than `keepMs` by the database's clock that no job was made from, at most `limit`; the newest stays.
 * Returns how many went.
 */
export function prunePrices(db: Db, keepMs: number, limit = 1000): Promise<number> {
  return db.execute(sql`
    DELETE FROM prices WHERE id IN (
      SELECT p.id FROM prices p
      WHERE p.made_at < clock_timestamp() - ${keepMs}::float8 * interval '1 millisecond'
        AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.prices_id = p.id)
        AND p.id <> (SELECT max(id) FROM prices)
      ORDER BY p.id LIMIT ${limit})`);
}
