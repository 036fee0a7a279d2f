/** The seal's statements. Each one is its own transaction, so a sealer may die after any of them (docs/design.md, "Sealing"). */

import * as v from "valibot";
import type { LeafKey, WorkLeaf } from "../accounting/merkle.ts";
import type { SealCandidate, SealedUser, Settlement } from "../accounting/seal.ts";
import { CodedError } from "../errors.ts";
import { bigintText, type Db, first, json, jsonText, one, type Sql, sql } from "./port.ts";

/** Of JSON in one page: below the Data API's answers of 1 MiB and requests of 4 MiB, that with names full of quotes. */
const PAGE_BYTES = 900_000;
const PAGE_ROWS = 10_000;
/** A row is 1,200 bytes at most, so that a page that is not the last has more rows than this. */
const FEWEST_ROWS = 500;
/** At most this many missing epochs are listed for a job: the Data API's rows have 64 KB at most. */
const TOLD_EPOCHS = 200;

/** Looks closer together than this add nothing: most runs of a sealer write no row. */
const SHORTEST_LOOK_MS = 250;

/** A clock's jump brings a deadline nearer by at most the deadline divided by this. Sealers look more often than that. */
const LOOKS_A_DEADLINE = 8;

/**
 * Adds the time since the last look, by the database's clock, to every job that is not sealed, and notes which jobs are over. One look adds
 * at least 0 and at most an eighth of `deadlineMs`. So a jump of the clock, or hours without a sealer, cannot make a deadline pass.
 */
export async function lookAfterJobs(db: Db, deadlineMs: number): Promise<void> {
  const sinceMs = sql`extract(epoch FROM clock_timestamp() - looked_at)::float8 * 1000`;
  const stepMs = sql`GREATEST(0, LEAST(${deadlineMs / LOOKS_A_DEADLINE}::float8, COALESCE(${sinceMs}, 0)))::bigint`;
  const isOver = sql`(EXISTS (SELECT 1 FROM jobs later WHERE later.height > jobs.height)
    OR EXISTS (SELECT 1 FROM blocks WHERE blocks.height >= jobs.height))`;
  await db.execute(sql`UPDATE jobs SET looked_at = clock_timestamp(), watched_ms = watched_ms + ${stepMs},
      closed_ms = closed_ms + CASE WHEN closed_seen_at IS NULL THEN 0 ELSE ${stepMs} END,
      closed_seen_at = CASE WHEN closed_seen_at IS NULL AND ${isOver} THEN clock_timestamp() ELSE closed_seen_at END
    WHERE state <> 'sealed' AND (looked_at IS NULL OR ${sinceMs} NOT BETWEEN 0 AND ${SHORTEST_LOOK_MS}::float8
      OR (closed_seen_at IS NULL AND ${isOver}))`);
}

/**
 * Starts every seal deadline again from zero. In one process, call it when the journal is recovered and before the first seal:
 * the time that the pool was down must not count, since its work is only about to be delivered.
 */
export async function restartDeadlines(db: Db): Promise<void> {
  await db.execute(sql`UPDATE jobs SET closed_seen_at = NULL, looked_at = NULL, watched_ms = 0, closed_ms = 0
    WHERE state = 'open'`);
}

const candidateRow: v.GenericSchema<unknown, SealCandidate> = v.object({
  height: v.number(),
  watchedMs: v.number(),
  state: v.picklist(["open", "closing"]),
  closed: v.boolean(),
  rewarded: v.boolean(),
  closedMs: v.number(),
  missing: v.pipe(
    jsonText,
    v.array(
      v.object({
        slot: v.number(),
        epoch: v.string(),
        edgeId: v.string(),
        lastSeq: v.nullable(v.number()),
        applied: v.number(),
      }),
    ),
  ),
});

/**
 * The lowest job that is not sealed, and which edge epochs still owe it messages. These epochs began before the next job
 * (`first_job`), did not end before this one (`last_job`), and have no close marker or a gap below it. Only the first 200 are given.
 */
export function sealCandidate(db: Db): Promise<SealCandidate | undefined> {
  return first(
    db,
    sql`WITH candidate AS (
      SELECT height, state, watched_ms, closed_ms FROM jobs WHERE state <> 'sealed' ORDER BY height LIMIT 1
    ), owing AS (
      SELECT e.slot, e.epoch, e.edge_id, m.last_seq, (
        SELECT count(*) FROM deltas d WHERE d.job = c.height AND d.slot = e.slot AND d.epoch = e.epoch
          AND d.seq <= COALESCE(m.last_seq, d.seq)) AS applied
      FROM candidate c
      JOIN edge_epochs e ON COALESCE(e.first_job, c.height) <= c.height AND COALESCE(e.last_job, c.height) >= c.height
      LEFT JOIN close_markers m ON m.job = c.height AND m.slot = e.slot AND m.epoch = e.epoch
    )
    SELECT c.height, c.state,
      EXISTS (SELECT 1 FROM jobs l WHERE l.height > c.height) OR EXISTS (SELECT 1 FROM blocks b WHERE b.height >= c.height) AS closed,
      EXISTS (SELECT 1 FROM blocks b WHERE b.height = c.height) AS rewarded,
      c.watched_ms::float8 AS "watchedMs", c.closed_ms::float8 AS "closedMs",
      COALESCE((SELECT jsonb_agg(jsonb_build_object('slot', slot, 'epoch', epoch::text, 'edgeId', edge_id, 'lastSeq', last_seq,
        'applied', applied) ORDER BY told.slot, told.epoch)
        FROM (SELECT * FROM owing WHERE last_seq IS NULL OR applied <= last_seq ORDER BY owing.slot, owing.epoch LIMIT ${TOLD_EPOCHS}::int) told), '[]')::text AS missing
    FROM candidate c`,
    candidateRow,
  );
}

const frozen = v.object({
  state: v.picklist(["closing", "sealed"]),
  forced: v.boolean(),
  split: v.picklist(["largest-remainder", "reference"]),
  /** The job's fee rate in units of 1e-8. */
  rate: bigintText,
  reward: bigintText,
  winning: v.number(),
  carriedIn: bigintText,
  leaves: v.number(),
  users: v.number(),
  shares: bigintText,
  work: bigintText,
});
export type Frozen = v.InferOutput<typeof frozen>;

/** Freezes a job's sums and returns them; undefined when it may not be closed yet. Repeating it changes nothing. */
export async function closeJob(db: Db, height: number, forced: boolean): Promise<Frozen | undefined> {
  const row = await one(
    db,
    sql`SELECT books_close(${height}::int, ${forced}::boolean) AS frozen`,
    v.object({ frozen: v.nullable(v.pipe(jsonText, frozen)) }),
  );
  return row.frozen ?? undefined;
}

const leafRow: v.GenericSchema<unknown, WorkLeaf> = v.object({
  user: v.string(),
  worker: v.string(),
  shares: bigintText,
  work: bigintText,
});

export interface LeavesRead {
  /** Those behind this one; without it from the first. */
  readonly after?: LeafKey | undefined;
  /** How many; without it all. */
  readonly most?: number;
  readonly pageRows?: number;
}

/** A job's sums in byte order of (user, worker), read page by page. */
export async function readLeaves(
  db: Db,
  height: number,
  { after, most = Number.POSITIVE_INFINITY, pageRows = PAGE_ROWS }: LeavesRead = {},
): Promise<WorkLeaf[]> {
  const leaves: WorkLeaf[] = [];
  while (leaves.length < most) {
    const { user = null, worker = null } = leaves.at(-1) ?? after ?? {};
    const rows = Math.min(pageRows, most - leaves.length);
    const page = await db.query(
      sql`SELECT "user", worker, shares, work
        FROM work_page(${height}::int, ${user}::text, ${worker}::text, ${PAGE_BYTES}::int, ${rows}::int)`,
      leafRow,
    );
    for (const leaf of page) leaves.push(leaf);
    if (page.length < Math.min(rows, FEWEST_ROWS)) break;
  }
  return leaves;
}

/** Writes an attempt's payouts. Returns false when another attempt has sealed the job. */
export async function draftPayouts(
  db: Db,
  height: number,
  attempt: string,
  users: readonly SealedUser[],
): Promise<boolean> {
  for (const page of pagesOf(users)) {
    const row = await one(
      db,
      sql`SELECT books_draft(${height}::int, ${attempt}, ${page}) AS drafted`,
      v.object({ drafted: v.boolean() }),
    );
    if (!row.drafted) return false;
  }
  return true;
}

/** JSON arrays of a page's bytes at most. */
function* pagesOf(users: readonly SealedUser[]): Generator<string> {
  let page: string[] = [];
  let bytes = 0;
  for (const user of users) {
    const text = json(user);
    if (bytes + text.length > PAGE_BYTES) {
      yield `[${page.join(",")}]`;
      page = [];
      bytes = 0;
    }
    page.push(text);
    bytes += text.length;
  }
  if (page.length > 0) yield `[${page.join(",")}]`;
}

/**
 * Sets the job to sealed if the drafts and the settlement agree with the frozen books. `already`: another attempt was first.
 * Throws CodedError `seal-mismatch`: a bug; nothing was booked.
 */
export async function sealJob(
  db: Db,
  seal: { height: number; attempt: string; leaves: number; settlement: Settlement; nowMs: number },
): Promise<"sealed" | "already"> {
  const { fee, paid, carried, root } = seal.settlement;
  const body = json({ fee, paid, carried, root, leaves: seal.leaves, atMs: seal.nowMs });
  const { outcome } = await one(
    db,
    sql`SELECT books_seal(${seal.height}::int, ${seal.attempt}, ${body}) AS outcome`,
    v.object({ outcome: v.picklist(["sealed", "already", "open"]) }),
  ).catch((error: unknown) => Promise.reject(asMismatch(error, seal.height)));
  if (outcome === "open")
    throw new CodedError("seal-mismatch", `job ${seal.height} was to be sealed but is not closing`);
  return outcome;
}

function asMismatch(error: unknown, height: number): unknown {
  if (!(error instanceof CodedError) || error.data["sqlstate"] !== "BK002") return error;
  return new CodedError(
    "seal-mismatch",
    `job ${height} stays unsealed, its books do not agree: ${error.message}; nothing was booked, please report this`,
    { cause: error },
  );
}

const sealedBlock = v.object({
  height: v.number(),
  shares: bigintText,
  winning: v.number(),
  reward: bigintText,
  fee: bigintText,
  /** Booked to users. */
  paid: bigintText,
  carriedIn: bigintText,
  /** Carried out. */
  carried: bigintText,
  forced: v.boolean(),
  root: v.string(),
});

/** A sealed job; fee + paid + carried = reward + carriedIn, in 1e-8 PEG. */
export type SealedBlock = v.InferOutput<typeof sealedBlock>;

const sealedColumns: Sql = sql`height, shares::text AS shares, winning, reward::text AS reward, fee::text AS fee, paid::text AS paid,
  carried_in::text AS "carriedIn", carried::text AS carried, forced, root`;

/** The jobs sealed above a height, in order, 200 at most. */
export function sealedSince(db: Db, height: number): Promise<SealedBlock[]> {
  return db.query(
    sql`SELECT ${sealedColumns} FROM jobs WHERE state = 'sealed' AND height > ${height}::int ORDER BY height LIMIT 200`,
    sealedBlock,
  );
}

/** A sealed job, or undefined. */
export function readSealed(db: Db, height: number): Promise<SealedBlock | undefined> {
  return first(
    db,
    sql`SELECT ${sealedColumns} FROM jobs WHERE state = 'sealed' AND height = ${height}::int`,
    sealedBlock,
  );
}

/** The highest sealed height, -1 when there is none. */
export async function lastSealedHeight(db: Db): Promise<number> {
  const row = await one(
    db,
    sql`SELECT COALESCE(max(height), -1) AS height FROM jobs WHERE state = 'sealed'`,
    v.object({ height: v.number() }),
  );
  return row.height;
}
