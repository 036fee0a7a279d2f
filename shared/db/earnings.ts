/** What blocks paid and what a user's work in them was booked, for the comparison with what it should earn (docs/decisions/earnings.md). */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { bigintText, type Db, sql } from "./port.ts";

const minedBlockRow = v.object({
  height: v.number(),
  version: v.picklist([1, 2, 3, 4, 5]),
  atMs: v.number(),
  entries: v.number(),
  networkHashrate: v.number(),
  gradedEntries: v.nullable(v.number()),
  gradedOthers: v.nullable(v.number()),
  won: v.number(),
  credit: v.picklist(["assigned", "achieved"]),
  shares: bigintText,
  work: bigintText,
  feeRate: v.string(),
  carriedIn: bigintText,
});

/** A graded block whose job is sealed. */
export type MinedBlock = v.InferOutput<typeof minedBlockRow>;

/** The newest, lowest height first. */
export function minedBlocks(db: Db, limit: number): Promise<MinedBlock[]> {
  return db.query(
    sql`SELECT * FROM (SELECT b.height, b.version, ${ms(sql`j.created_at`)} AS "atMs", b.entries, b.network_hashrate AS "networkHashrate",
        b.graded_entries AS "gradedEntries", b.graded_others AS "gradedOthers", b.winning AS won, j.credit, j.shares::text AS shares,
        j.work::text AS work, j.fee_rate::text AS "feeRate", j.carried_in::text AS "carriedIn"
      FROM blocks b JOIN jobs j ON j.height = b.height
      WHERE j.state = 'sealed' AND b.graded AND b.network_hashrate > 0 ORDER BY b.height DESC LIMIT ${limit}::int) newest
    ORDER BY newest.height`,
    minedBlockRow,
  );
}

const bookedRow = v.object({ height: v.number(), work: bigintText, amount: bigintText });

/** A user's work in a sealed job, in the job's own unit, and what it got, 1e-8 PEG. */
export type BookedWork = v.InferOutput<typeof bookedRow>;

/** The newest, highest height first. */
export function bookedWork(db: Db, user: string, limit: number): Promise<BookedWork[]> {
  return db.query(
    sql`SELECT p.job AS height, p.work::text AS work, p.amount::text AS amount
      FROM payouts p WHERE p.user_name = ${user} AND p.job NOT IN (SELECT height FROM jobs WHERE state <> 'sealed') ORDER BY p.job DESC LIMIT ${limit}::int`,
    bookedRow,
  );
}
