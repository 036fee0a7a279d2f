/** Our rows at the end of a played run, as far as the recorded ones have a counterpart. */

import * as v from "valibot";
import { bigintText, type Db, sql } from "../../../shared/db/port.ts";

const placeRow = v.object({
  height: v.number(),
  position: v.number(),
  entryHash: v.string(),
  payout: bigintText,
  identity: v.string(),
  ours: v.boolean(),
});

const submissionRow = v.object({
  job: v.number(),
  entryHash: v.string(),
  oprHash: v.string(),
  nonce: v.string(),
  target: bigintText,
  user: v.string(),
  worker: v.string(),
  state: v.string(),
});

const workRow = v.object({
  job: v.number(),
  user: v.string(),
  worker: v.string(),
  shares: bigintText,
  work: bigintText,
  best: bigintText,
  rejected: bigintText,
});

const payoutRow = v.object({
  job: v.number(),
  user: v.string(),
  shares: bigintText,
  work: bigintText,
  amount: bigintText,
});

export type WorkRow = v.InferOutput<typeof workRow>;
export type PayoutRow = v.InferOutput<typeof payoutRow>;

export function readPlaces(db: Db): Promise<v.InferOutput<typeof placeRow>[]> {
  return db.query(
    sql`SELECT height, position::int AS position, entry_hash AS "entryHash", payout::text AS payout, identity, ours
      FROM block_places ORDER BY height, position`,
    placeRow,
  );
}

export function readSubmissions(db: Db): Promise<v.InferOutput<typeof submissionRow>[]> {
  return db.query(
    sql`SELECT height AS job, entry_hash AS "entryHash", opr_hash AS "oprHash", nonce, target::text AS target,
      user_name AS "user", worker, state FROM submissions`,
    submissionRow,
  );
}

export function readWork(db: Db): Promise<WorkRow[]> {
  return db.query(
    sql`SELECT job, user_name AS "user", worker, shares::text AS shares, work::text AS work, best::text AS best,
      rejected::text AS rejected FROM work ORDER BY job, user_name, worker`,
    workRow,
  );
}

/** Of the sealed attempts, by job and user. */
export function readPayouts(db: Db): Promise<PayoutRow[]> {
  return db.query(
    sql`SELECT p.job, p.user_name AS "user", p.shares::text AS shares, p.work::text AS work, p.amount::text AS amount
      FROM payouts p JOIN jobs j ON j.height = p.job AND j.attempt = p.attempt AND j.state = 'sealed'
      ORDER BY p.job, p.user_name`,
    payoutRow,
  );
}

export async function readHeights(db: Db, table: "blocks" | "jobs"): Promise<number[]> {
  const row = v.object({ height: v.number() });
  const rows =
    table === "blocks"
      ? await db.query(sql`SELECT height FROM blocks ORDER BY height`, row)
      : await db.query(sql`SELECT height FROM jobs ORDER BY height`, row);
  return rows.map(({ height }) => height);
}
