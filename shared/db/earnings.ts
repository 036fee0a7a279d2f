/** What blocks paid and what a user's work in them was booked, for the comparison with what it should earn (docs/decisions/earnings.md). */

import * as v from "valibot";
import { ms } from "./instants.ts";
import {
  packed,
  packedBigints,
  packedNullableNumbers,
  packedNumbers,
  packedOneOf,
  packedTexts,
  unpacked,
} from "./packed.ts";
import { type Db, type Sql, sql } from "./port.ts";

/** In one row: 13 columns of them are some 30 KB, and a row of the Data API has 64 KB at most. */
const PACKED_BLOCKS = 200;
/** In one statement: a month's blocks at once would keep the database busy for long. */
const BLOCKS_A_STATEMENT = 1440;
/** Above every height. */
const TOP = 0x7fff_ffff;

const minedColumns = v.object({
  height: packedNumbers,
  version: packedOneOf([1, 2, 3, 4, 5]),
  atMs: packedNumbers,
  entries: packedNumbers,
  networkHashrate: packedNumbers,
  gradedEntries: packedNullableNumbers,
  gradedOthers: packedNullableNumbers,
  won: packedNumbers,
  credit: packedOneOf(["assigned", "achieved"]),
  shares: packedBigints,
  work: packedBigints,
  feeRate: packedTexts,
  carriedIn: packedBigints,
});
type Rows<Columns> = {
  readonly [Name in keyof Columns]: Columns[Name] extends readonly (infer One)[] ? One : never;
};

/** A graded block whose job is sealed. */
export type MinedBlock = Rows<v.InferOutput<typeof minedColumns>>;

/** The newest, lowest height first. */
export async function minedBlocks(db: Db, limit: number): Promise<MinedBlock[]> {
  const newest = await inParts(limit, (most, below) => minedBelow(db, most, below));
  return newest.toReversed();
}

/** All of `ask`, which gives as many as that at most, highest height first, of those below a height. */
async function inParts<One extends { readonly height: number }>(
  limit: number,
  ask: (most: number, below: number) => Promise<readonly One[]>,
): Promise<One[]> {
  const all: One[] = [];
  for (;;) {
    const most = Math.min(BLOCKS_A_STATEMENT, limit - all.length);
    const part = await ask(most, all.at(-1)?.height ?? TOP);
    all.push(...part);
    if (part.length < most || all.length >= limit) return all;
  }
}

async function minedBelow(db: Db, limit: number, below: number): Promise<MinedBlock[]> {
  const all = (value: Sql): Sql => packed(value, sql`n.height DESC`);
  const parts = await db.query(
    sql`SELECT ${all(sql`n.height`)} AS height, ${all(sql`n.version`)} AS version, ${all(ms(sql`n.created_at`))} AS "atMs",
        ${all(sql`n.entries`)} AS entries, ${all(sql`n.network_hashrate`)} AS "networkHashrate", ${all(sql`n.graded_entries`)} AS "gradedEntries",
        ${all(sql`n.graded_others`)} AS "gradedOthers", ${all(sql`n.winning`)} AS won, ${all(sql`n.credit`)} AS credit,
        ${all(sql`n.shares`)} AS shares, ${all(sql`n.work`)} AS work, ${all(sql`n.fee_rate`)} AS "feeRate", ${all(sql`n.carried_in`)} AS "carriedIn"
      FROM (SELECT b.height, b.version, j.created_at, b.entries, b.network_hashrate, b.graded_entries, b.graded_others, b.winning, j.credit,
          j.shares, j.work, j.fee_rate, j.carried_in, (row_number() OVER (ORDER BY b.height DESC) - 1) / ${PACKED_BLOCKS}::int AS part
        FROM blocks b JOIN jobs j ON j.height = b.height
        WHERE j.state = 'sealed' AND b.graded AND b.network_hashrate > 0 AND b.height < ${below}::int ORDER BY b.height DESC LIMIT ${limit}::int) n
      GROUP BY n.part ORDER BY n.part`,
    minedColumns,
  );
  return parts.flatMap(unpacked);
}

const bookedColumns = v.object({ height: packedNumbers, work: packedBigints, amount: packedBigints });

/** A user's work in a sealed job, in the job's own unit, and what it got, 1e-8 PEG. */
export type BookedWork = Rows<v.InferOutput<typeof bookedColumns>>;

/** The newest, highest height first. */
export function bookedWork(db: Db, user: string, limit: number): Promise<BookedWork[]> {
  return inParts(limit, (most, below) => bookedBelow(db, user, most, below));
}

async function bookedBelow(db: Db, user: string, limit: number, below: number): Promise<BookedWork[]> {
  const all = (value: Sql): Sql => packed(value, sql`n.job DESC`);
  const booked = sql`payouts p WHERE p.user_name = ${user} AND p.job < ${below}::int AND p.job NOT IN (SELECT height FROM jobs WHERE state <> 'sealed')`;
  // The oldest of them is found by the index alone, so that no older row is read.
  const parts = await db.query(
    sql`SELECT ${all(sql`n.job`)} AS height, ${all(sql`n.work`)} AS work, ${all(sql`n.amount`)} AS amount
      FROM (SELECT p.job, p.work, p.amount, (row_number() OVER (ORDER BY p.job DESC) - 1) / ${PACKED_BLOCKS}::int AS part FROM ${booked}
        AND p.job >= COALESCE((SELECT p.job FROM ${booked} ORDER BY p.job DESC OFFSET ${limit - 1}::int LIMIT 1), 0)) n
      GROUP BY n.part ORDER BY n.part`,
    bookedColumns,
  );
  return parts.flatMap(unpacked);
}
