/** Graded blocks: written once, in height order, by the holder of the chain lease (docs/design.md, "Following the chain"). */

import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { bigintText, type Db, first, json, jsonText, one, type Sql, sql } from "./port.ts";

/** One of the graded entries of a block. */
export interface PlaceRow {
  /** 1 = best grade. */
  position: number;
  entryHash: string;
  difficulty: bigint;
  payout: bigint;
  identity: string;
  ours: boolean;
}

const assetPrices = v.record(v.string(), bigintText);

const blockRow = v.object({
  height: v.number(),
  version: v.number(),
  keyMr: v.string(),
  /** Unix seconds of the directory block. */
  at: v.number(),
  entries: v.number(),
  graded: v.boolean(),
  winners: v.pipe(jsonText, v.array(v.string())),
  prices: v.nullable(v.pipe(jsonText, assetPrices)),
  minTarget: v.nullable(bigintText),
  ema: v.nullable(bigintText),
  networkHashrate: v.nullable(v.number()),
  winning: v.number(),
  reward: bigintText,
});

/** `winners` are the short hashes that the next height's records must name; `ema` is the threshold of the next job. */
export type BlockRow = v.InferOutput<typeof blockRow>;

const columns: Sql = sql`height, version, key_mr AS "keyMr", extract(epoch FROM at)::float8 AS at, entries, graded,
  winners::text AS winners, prices::text AS prices, min_target::text AS "minTarget", ema::text AS ema,
  network_hashrate AS "networkHashrate", winning, reward::text AS reward`;

/** The highest graded block, or undefined on a new pool. */
export function latestBlock(db: Db): Promise<BlockRow | undefined> {
  return first(db, sql`SELECT ${columns} FROM blocks ORDER BY height DESC LIMIT 1`, blockRow);
}

export function readBlock(db: Db, height: number): Promise<BlockRow | undefined> {
  return first(db, sql`SELECT ${columns} FROM blocks WHERE height = ${height}`, blockRow);
}

/**
 * Writes a block with its places, if `epoch` still is the chain lease's. The same block again changes nothing.
 * Throws CodedError `lease-lost`, or `block-differs` when the height has another block already: nobody may re-book it.
 */
export async function writeBlock(db: Db, block: BlockRow, places: PlaceRow[], epoch: bigint): Promise<void> {
  await db.transaction(async (tx) => {
    const held = await tx.query(
      sql`SELECT 1 AS held FROM leases WHERE name = 'chain' AND epoch = ${epoch}::bigint FOR SHARE`,
      v.object({ held: v.number() }),
    );
    if (held.length === 0)
      throw new CodedError(
        "lease-lost",
        `chain lease epoch ${epoch} is over: another edge writes blocks now`,
      );
    const inserted = await tx.execute(sql`
      INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, prices, min_target, ema, network_hashrate, winning, reward,
        graded_entries, graded_others)
      VALUES (${block.height}, ${block.version}, ${block.keyMr}, to_timestamp(${block.at}::float8), ${block.entries}, ${block.graded},
        ${json(block.winners)}::jsonb, ${block.prices === null ? null : json(block.prices)}::jsonb, ${block.minTarget}::numeric,
        ${block.ema}::numeric, ${block.networkHashrate}::float8, ${block.winning}, ${block.reward}::bigint,
        ${places.length === 0 ? null : places.length}::smallint, ${othersAbove(places)}::smallint)
      ON CONFLICT (height) DO NOTHING`);
    if (inserted === 0) return assertSame(tx, block);
    await tx.execute(sql`
      INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
      SELECT ${block.height}, p.position, p."entryHash", p.difficulty, p.payout, p.identity, p.ours
      FROM jsonb_to_recordset(${json(places)}::jsonb)
        AS p(position smallint, "entryHash" text, difficulty numeric, payout bigint, identity text, ours boolean)`);
  });
}

/** Entries of others above the lowest difficulty, which tells the estimate how far it looks; null where nothing is graded. */
function othersAbove(places: readonly PlaceRow[]): number | null {
  if (places.length === 0) return null;
  const byDifficulty = places.toSorted((a, b) => (a.difficulty > b.difficulty ? -1 : 1));
  return byDifficulty.slice(0, -1).filter(({ ours }) => !ours).length;
}

async function assertSame(tx: Db, block: BlockRow): Promise<void> {
  const stored = await one(tx, sql`SELECT ${columns} FROM blocks WHERE height = ${block.height}`, blockRow);
  if (stored.keyMr !== block.keyMr || stored.reward !== block.reward || stored.winning !== block.winning) {
    throw new CodedError(
      "block-differs",
      `height ${block.height} is booked as ${stored.keyMr} with reward ${stored.reward}, the node now says ${block.keyMr} with ${block.reward}: nothing is booked again; check which chain factomd follows`,
      { data: { height: block.height } },
    );
  }
}
