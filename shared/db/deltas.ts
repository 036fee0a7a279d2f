/** Applying what edges send, exactly once (docs/design.md, "Deltas and close markers"; the rules stand in 0002_books.sql). */

import * as v from "valibot";
import type { CloseMarker, Delta } from "../messages/summary.ts";
import { type Db, jsonText, one, sql } from "./port.ts";
import { WORKER_LIMITS, type WorkerLimits } from "./workers.ts";

const deltaOutcome = v.variant("outcome", [
  /** `intoJob` differs from the delta's job for late work and is null while no job is open. */
  v.object({
    outcome: v.literal("applied"),
    intoJob: v.nullable(v.number()),
    /** Its seq lies above what the edge epoch's close marker named: credited, but something is wrong. */
    beyondMarker: v.boolean(),
  }),
  v.object({ outcome: v.literal("dup") }),
  v.object({ outcome: v.literal("conflict") }),
  v.object({ outcome: v.literal("unknown-job") }),
  v.object({ outcome: v.literal("unknown-user"), user: v.string() }),
]);
const closeOutcome = v.picklist(["applied", "dup", "conflict"]);

/** All but `applied` have changed nothing. */
export type DeltaOutcome = v.InferOutput<typeof deltaOutcome>;
export type CloseOutcome = v.InferOutput<typeof closeOutcome>;

/**
 * Applies a delta by its key (job, slot, epoch, seq) and archives `body`, exactly the bytes that came. One statement, safe to
 * repeat. `body` must have been parsed by the `delta` schema. Names beyond `limits` are booked as `REST_WORKER`, and it is recorded which.
 */
export async function applyDelta(
  db: Db,
  body: string,
  limits: WorkerLimits = WORKER_LIMITS,
): Promise<DeltaOutcome> {
  const row = await one(
    db,
    sql`SELECT books_apply_delta(${body}, ${limits.inJob}::int, ${limits.newInDay}::int) AS outcome`,
    v.object({ outcome: v.pipe(jsonText, deltaOutcome) }),
  );
  return row.outcome;
}

/** What stands between the bodies of a batch: no JSON text has this character (RFC 7464). */
const SEPARATOR = "\u001e";

/**
 * Applies deltas of one job in one transaction, each row of the sums touched once: one outcome for each body, in their order, as `applyDelta`
 * would give them one after the other. Those that cannot be applied do not keep the others out. Rejects, and has changed nothing, where
 * the database fails at one of them: then apply them one by one.
 */
export async function applyDeltas(
  db: Db,
  job: number,
  bodies: readonly string[],
  limits: WorkerLimits = WORKER_LIMITS,
): Promise<DeltaOutcome[]> {
  const row = await one(
    db,
    sql`SELECT books_apply_deltas(${job}::int, ${bodies.join(SEPARATOR)}, ${limits.inJob}::int, ${limits.newInDay}::int) AS outcomes`,
    v.object({ outcomes: v.pipe(jsonText, v.array(deltaOutcome), v.length(bodies.length)) }),
  );
  return row.outcomes;
}

/** Stores a close marker; the same again is a `dup`, another last seq under its key a `conflict`. */
export async function applyClose(db: Db, marker: CloseMarker): Promise<CloseOutcome> {
  const row = await one(
    db,
    sql`SELECT books_apply_close(${marker.job}::int, ${marker.slot}::int, ${marker.epoch}::bigint, ${marker.lastSeq}::int) AS outcome`,
    v.object({ outcome: closeOutcome }),
  );
  return row.outcome;
}

/** Books parked late work into the oldest open job, one delta a transaction. Returns how many deltas were booked. */
export async function unparkDeltas(db: Db, limits: WorkerLimits = WORKER_LIMITS): Promise<number> {
  for (let count = 0; ; count++) {
    const row = await one(
      db,
      sql`SELECT books_unpark(${limits.inJob}::int, ${limits.newInDay}::int) AS moved`,
      v.object({ moved: v.boolean() }),
    );
    if (!row.moved) return count;
  }
}

const watermark = v.object({
  job: v.number(),
  /** Every seq up to this one is applied; -1: not even the first. */
  through: v.number(),
  /** What the close marker names; null while it is missing. */
  lastSeq: v.nullable(v.number()),
});
export type Watermark = v.InferOutput<typeof watermark>;

/** Up to which seq the database has an edge epoch's messages, job by job: a journal may forget these. Jobs below `fromJob` are left out. */
export function watermarks(
  db: Db,
  edge: Pick<Delta, "slot" | "epoch">,
  fromJob: number,
): Promise<Watermark[]> {
  return db.query(
    sql`WITH numbered AS (
      SELECT job, seq, row_number() OVER (PARTITION BY job ORDER BY seq) - 1 AS place FROM deltas
      WHERE slot = ${edge.slot}::int AND epoch = ${edge.epoch}::bigint AND job >= ${fromJob}::int
    ), applied AS (
      SELECT job, COALESCE(max(seq) FILTER (WHERE seq = place), -1) AS through FROM numbered GROUP BY job
    ), closed AS (
      SELECT job, last_seq FROM close_markers
      WHERE slot = ${edge.slot}::int AND epoch = ${edge.epoch}::bigint AND job >= ${fromJob}::int
    )
    SELECT job, COALESCE(through, -1) AS through, last_seq AS "lastSeq" FROM applied FULL JOIN closed USING (job) ORDER BY job`,
    watermark,
  );
}
