/** The files that prove a worker's part of a block: proof and receipt, as JSON with decimal strings (docs/proofs.md). */

import * as v from "valibot";
import { userName, workerName } from "../messages/summary.ts";

const height = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(0x7fff_ffff),
  v.description("block height"),
);
const place = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
/** Up to 2^256. */
const amount = v.pipe(
  v.string(),
  v.regex(/^(0|[1-9]\d{0,77})$/),
  v.description("a whole number of 0 or more"),
);
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.description("64 hex digits"));
const poolName = v.pipe(v.string(), v.regex(/^[\x20-\x7e]{0,200}$/));

export const receiptFile = v.strictObject({
  format: v.literal("prosper-receipt"),
  version: v.literal(1),
  pool: poolName,
  height,
  user: userName,
  worker: workerName,
  shares: amount,
  work: amount,
  root: hash,
  amount,
  key: hash,
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/), v.description("128 hex digits")),
});
export type ReceiptFile = v.InferOutput<typeof receiptFile>;

/** What a block booked, in 1e-8 PEG. */
const books = v.strictObject({
  reward: amount,
  carriedIn: amount,
  fee: amount,
  paid: amount,
  carried: amount,
});

export const proofFile = v.strictObject({
  format: v.literal("prosper-proof"),
  version: v.literal(1),
  pool: poolName,
  height,
  root: hash,
  leaves: v.pipe(place, v.description("workers in the block")),
  shares: v.pipe(amount, v.description("of the whole block")),
  work: v.pipe(amount, v.description("of the whole block, in the job's credit unit")),
  books,
  first: v.pipe(place, v.description("place of the first worker in the tree, from 0")),
  workers: v.pipe(
    v.array(v.strictObject({ user: userName, worker: workerName, shares: amount, work: amount })),
    v.minLength(1),
  ),
  path: v.pipe(
    v.array(v.strictObject({ hash, shares: amount, work: amount })),
    v.description("the largest subtrees without these workers, left to right"),
  ),
  receipts: v.array(receiptFile),
});
export type ProofFile = v.InferOutput<typeof proofFile>;
export type ProofBooks = v.InferOutput<typeof books>;

/** A file of either kind, as parsed JSON. */
export const provingFile = v.variant("format", [proofFile, receiptFile]);
