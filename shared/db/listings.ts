/** The two sortable listings of the reference's JSON-RPC: rewards and entry submissions, over the newest rows only. */

import * as v from "valibot";
import { bigintText, type Db, one, type Sql, sql } from "./port.ts";

/** A listing sorts and skips within this many newest rows, so that no request reads a whole table. */
export const LISTING_ROWS = 5000;

export interface Page<Column extends string> {
  readonly column: Column;
  readonly order: "asc" | "desc";
  readonly limit: number;
  readonly offset: number;
}

const raw = (text: string): Sql => ({ text, values: [] });
/** `column` comes from a fixed map, never from a request. */
const orderBy = (column: string, order: "asc" | "desc", tie: string): Sql =>
  raw(`ORDER BY ${column} ${order === "asc" ? "ASC" : "DESC"}, ${tie} DESC`);

/** Column names of the reference's table, and the column here for each. */
const REWARD_COLUMNS = {
  job_id: "height",
  pool_reward: "reward",
  winning: "winning",
  graded: "graded",
  pool_fee_rate: "fee_rate",
  pool_fee: "fee",
  dust: "carried",
  pool_difficuty: "hashes",
  total_hashrate: "rate",
} as const;
export type RewardColumn = keyof typeof REWARD_COLUMNS;
export const REWARD_COLUMN_NAMES = columnNames(REWARD_COLUMNS);

const SUBMISSION_COLUMNS = {
  job_id: "l.height",
  target: "l.target",
  entry_hash: "l.entry_hash",
  blocked: "(l.state = 'blocked')",
  opr_hash: "l.opr_hash",
  nonce: "l.nonce",
  created_at: "l.at",
} as const;
export type SubmissionColumn = keyof typeof SUBMISSION_COLUMNS;
export const SUBMISSION_COLUMN_NAMES = columnNames(SUBMISSION_COLUMNS);

function columnNames<Name extends string>(columns: Record<Name, string>): [Name, ...Name[]] {
  // Both maps have keys; the cast only says so.
  return Object.keys(columns) as [Name, ...Name[]];
}

const rewardRow = v.object({
  height: v.number(),
  reward: bigintText,
  winning: v.number(),
  graded: v.number(),
  feeRate: v.string(),
  fee: bigintText,
  carried: bigintText,
  /** Whole hashes. */
  hashes: bigintText,
  /** Hashes per second. */
  rate: v.number(),
});
export type RewardListing = v.InferOutput<typeof rewardRow>;

/** Sealed jobs. */
export function listRewards(db: Db, page: Page<RewardColumn>): Promise<RewardListing[]> {
  return db.query(
    sql`SELECT height, reward::text AS reward, winning, graded, fee_rate::text AS "feeRate", fee::text AS fee,
      carried::text AS carried, hashes::text AS hashes, rate FROM (
        SELECT j.height, j.reward, j.winning, j.fee_rate, j.fee, j.carried, w.hashes,
          (SELECT count(*) FROM block_places p WHERE p.height = j.height)::int AS graded,
          COALESCE(w.hashes::float8 / NULLIF(extract(epoch FROM (SELECT n.created_at FROM jobs n WHERE n.height > j.height
            ORDER BY n.height LIMIT 1) - j.created_at), 0), 0)::float8 AS rate
        FROM jobs j CROSS JOIN LATERAL (
          SELECT CASE j.credit WHEN 'achieved' THEN floor(j.work / 281474976710656) ELSE j.work END AS hashes) w
        WHERE j.state = 'sealed' ORDER BY j.height DESC LIMIT ${LISTING_ROWS}::int
      ) l ${orderBy(`l.${REWARD_COLUMNS[page.column]}`, page.order, "l.height")}
      LIMIT ${page.limit}::int OFFSET ${page.offset}::int`,
    rewardRow,
  );
}

const submissionRow = v.object({
  height: v.number(),
  oprHash: v.string(),
  nonce: v.string(),
  target: bigintText,
  entryHash: v.string(),
  blocked: v.boolean(),
});
export type SubmissionListing = v.InferOutput<typeof submissionRow>;

/** Those of one job where `height` is given. */
export function listSubmissions(
  db: Db,
  page: Page<SubmissionColumn>,
  height?: number,
): Promise<SubmissionListing[]> {
  const which = height === undefined ? sql`true` : sql`s.height = ${height}::int`;
  return db.query(
    sql`SELECT l.height, l.opr_hash AS "oprHash", l.nonce, l.target::text AS target, l.entry_hash AS "entryHash",
      l.state = 'blocked' AS blocked FROM (
        SELECT s.* FROM submissions s WHERE ${which} ORDER BY s.height DESC LIMIT ${LISTING_ROWS}::int
      ) l ${orderBy(SUBMISSION_COLUMNS[page.column], page.order, "l.height DESC, l.entry_hash")}
      LIMIT ${page.limit}::int OFFSET ${page.offset}::int`,
    submissionRow,
  );
}

const MOST_COUNTED = 100_000;

const countRow = v.object({ total: v.number() });

export async function countRewards(db: Db): Promise<number> {
  // By indexes: the rows of jobs are wide.
  const total = sql`(SELECT count(*) FROM jobs) - (SELECT count(*) FROM jobs WHERE state <> 'sealed')`;
  return (await one(db, sql`SELECT (${total})::int AS total`, countRow)).total;
}

/** Of more than MOST_COUNTED the number stays there: no page of the listing goes so far. */
export async function countSubmissions(db: Db): Promise<number> {
  const some = sql`SELECT 1 FROM submissions LIMIT ${MOST_COUNTED}::int`;
  return (await one(db, sql`SELECT count(*)::int AS total FROM (${some}) counted`, countRow)).total;
}
