/** What an edge sends to accounting over the queue: deltas of work, and the marker that closes a job for an edge epoch. */

import * as v from "valibot";

const height = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fff_ffff));
const slot = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4095));
const epoch = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const decimal = v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,39})$/));
/** User and worker as the edge admits them: printable ASCII, no comma (the user) and no control bytes (the worker, may be empty). */
export const userName = v.pipe(v.string(), v.regex(/^[\x21-\x2b\x2d-\x7e]{1,254}$/));
export const workerName = v.pipe(v.string(), v.regex(/^[\x20-\x7e]{0,254}$/));
/** The name of a user's rest row. No miner can have this name: a miner's name has no space. */
export const REST_WORKER = "(other rigs)";

/**
 * One worker's part of a window. `work` in the job's credit unit and `best` (the best target reached) are decimal text;
 * `rejected` counts refused shares, for statistics; a row without accepted shares is never booked as work. Two fields are about accepted
 * shares whose target lies below the job's threshold (shared/accounting/withholding.ts): `judged` is their work, in whole hashes for any
 * credit unit, and `sent` is how many of them reached the threshold while they could still win. Both are left out when there is none.
 */
export const deltaRow = v.strictObject({
  user: userName,
  worker: workerName,
  shares: count,
  work: decimal,
  best: decimal,
  rejected: count,
  judged: v.optional(decimal),
  sent: v.optional(count),
});

/**
 * Additive: applied once per (job, slot, epoch, seq), in any order. `seq` counts from 0 within (job, slot, epoch).
 * `fromMs`/`toMs` are the edge's wall time of the window (statistics only). The text is at most 48 KB.
 */
export const delta = v.strictObject({
  v: v.literal(1),
  kind: v.literal("delta"),
  job: height,
  slot,
  epoch,
  seq: count,
  fromMs: count,
  toMs: count,
  rows: v.pipe(v.array(deltaRow), v.minLength(1)),
});

/** No delta of this (job, slot, epoch) has a seq above `lastSeq` (-1: there is none). */
export const closeMarker = v.strictObject({
  v: v.literal(1),
  kind: v.literal("close"),
  job: height,
  slot,
  epoch,
  lastSeq: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
});

export const summary = v.variant("kind", [delta, closeMarker]);

export type DeltaRow = v.InferOutput<typeof deltaRow>;
export type Delta = v.InferOutput<typeof delta>;
export type CloseMarker = v.InferOutput<typeof closeMarker>;
export type Summary = v.InferOutput<typeof summary>;

/** A stored delta body is at most this long (the Data API reads rows of 64 KB at most). */
export const MAX_SUMMARY_BYTES = 48 * 1024;
