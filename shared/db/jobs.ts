/** Jobs: one immutable row per height decides what is mined and how its reward is shared. */

import * as v from "valibot";
import { fromHex, toHex } from "../bytes.ts";
import { bigintText, bytes, type Db, first, json, jsonText, one, sql } from "./port.ts";

const jobRow = v.object({
  height: v.number(),
  version: v.number(),
  oprHash: v.string(),
  /** The record's content. */
  opr: bytes,
  prices: v.pipe(jsonText, v.record(v.string(), bigintText)),
  /** Submission threshold; 0: the softmax list alone decides. */
  threshold: bigintText,
  /** Decimal text with at most 8 places. */
  feeRate: v.string(),
  split: v.picklist(["largest-remainder", "reference"]),
  credit: v.picklist(["assigned", "achieved"]),
});

export type JobRow = v.InferOutput<typeof jobRow>;

const columns = sql`height, version, opr_hash AS "oprHash", opr, prices::text AS prices, threshold::text AS threshold,
  fee_rate::text AS "feeRate", split, credit`;

/**
 * Inserts the job unless the height has one, and returns the row that is stored: every edge mines the same record.
 * `pricesId` is the price row that it was made from.
 */
export async function insertJob(db: Db, job: JobRow, pricesId: bigint | null): Promise<JobRow> {
  await db.execute(sql`
    INSERT INTO jobs (height, version, opr_hash, opr, prices, prices_id, threshold, fee_rate, split, credit)
    VALUES (${job.height}, ${job.version}, ${job.oprHash}, ${job.opr}, ${json(job.prices)}::jsonb, ${pricesId}::bigint,
      ${job.threshold}::numeric, ${job.feeRate}::numeric, ${job.split}, ${job.credit})
    ON CONFLICT (height) DO NOTHING`);
  return one(db, sql`SELECT ${columns} FROM jobs WHERE height = ${job.height}`, jobRow);
}

export function readJob(db: Db, height: number): Promise<JobRow | undefined> {
  return first(db, sql`SELECT ${columns} FROM jobs WHERE height = ${height}`, jobRow);
}

/** What became of a share that met the submission rule. */
export interface SubmissionRow {
  /** Hash of the entry as it is on the chain, or would have been. */
  entryHash: string;
  height: number;
  oprHash: string;
  nonce: Uint8Array;
  target: bigint;
  user: string;
  worker: string;
  /** Slot. */
  edge: number;
  state: "blocked" | "pending" | "committed" | "revealed" | "abandoned";
  reason: string | null;
}

/** Inserts the submission, or moves it to its new state. */
export async function recordSubmission(db: Db, row: SubmissionRow): Promise<void> {
  await db.execute(sql`
    INSERT INTO submissions (entry_hash, height, opr_hash, nonce, target, user_name, worker, edge, state, reason)
    VALUES (${row.entryHash}, ${row.height}, ${row.oprHash}, ${toHex(row.nonce)}, ${row.target}::numeric, ${row.user}, ${row.worker},
      ${row.edge}, ${row.state}, ${row.reason})
    ON CONFLICT (entry_hash) DO UPDATE SET state = excluded.state, reason = excluded.reason`);
}

const submissionRow = v.object({
  entryHash: v.string(),
  oprHash: v.string(),
  nonce: v.pipe(
    v.string(),
    v.transform((hex) => fromHex(hex, "nonce")),
  ),
  target: bigintText,
  user: v.string(),
  worker: v.string(),
  state: v.picklist(["blocked", "pending", "committed", "revealed", "abandoned"]),
  reason: v.nullable(v.string()),
});

/** What this edge has submitted for a job, or decided not to submit: a restart continues from here. */
export async function readSubmissions(db: Db, height: number, edge: number): Promise<SubmissionRow[]> {
  const rows = await db.query(
    sql`SELECT entry_hash AS "entryHash", opr_hash AS "oprHash", nonce, target::text AS target, user_name AS "user", worker, state, reason
      FROM submissions WHERE height = ${height} AND edge = ${edge} ORDER BY submissions.target DESC LIMIT 5000`,
    submissionRow,
  );
  return rows.map((row) => ({ ...row, height, edge }));
}

/** Adds a target to the job's list of the best, and returns the `limit` best of all edges, best first. */
export async function addBestTarget(
  db: Db,
  height: number,
  target: bigint,
  entryHash: string,
  limit: number,
): Promise<bigint[]> {
  await db.execute(sql`INSERT INTO best_targets (height, target, entry_hash)
    VALUES (${height}, ${target}::numeric, ${entryHash}) ON CONFLICT DO NOTHING`);
  return bestTargets(db, height, limit);
}

export async function bestTargets(db: Db, height: number, limit: number): Promise<bigint[]> {
  const rows = await db.query(
    sql`SELECT target::text AS target FROM best_targets WHERE height = ${height} ORDER BY best_targets.target DESC LIMIT ${limit}`,
    v.object({ target: bigintText }),
  );
  return rows.map((row) => row.target);
}
