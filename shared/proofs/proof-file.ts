/** The files that prove a worker's part of a block: proof and receipt, as JSON with decimal strings (docs/proofs.md). */

import * as v from "valibot";
import { about } from "../about.ts";
import { userName, workerName } from "../messages/summary.ts";

const height = about(
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fff_ffff)),
  "block height",
  210_330,
);
const place = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
/** Up to 2^256. */
const amount = about(
  v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,77})$/)),
  "a whole number of 0 or more",
  "12500000000",
);
const hash = about(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  "64 hex digits",
  "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
);
const poolName = about(v.pipe(v.string(), v.regex(/^[\x20-\x7e]{0,200}$/)), "of the pool", "Prosper");
const version = about(v.literal(1), "of this kind of file");
const user = about(userName, "whose work it is", "ann@example.org");
const worker = about(workerName, "empty: its miner gives no name", "rig-1");
const shares = about(amount, "shares that were credited", "1248");
const work = about(amount, "that they are worth, in the job's credit unit", "81788928000");
const root = about(hash, "of the block's Merkle-sum tree, 64 hex digits");

export const receiptFile = v.strictObject({
  format: about(v.literal("prosper-receipt"), "what kind of file it is"),
  version,
  pool: poolName,
  height,
  ...{ user, worker, shares, work, root },
  amount: about(amount, "booked for it, 1e-8 PEG"),
  key: about(hash, "public key that the signature is by, 64 hex digits"),
  signature: about(
    v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
    "by the pool, over all of this; 128 hex digits",
    "ab".repeat(64),
  ),
});
export type ReceiptFile = v.InferOutput<typeof receiptFile>;

/** What a block booked, in 1e-8 PEG. */
const books = v.strictObject({
  reward: about(amount, "what the block paid the pool, 1e-8 PEG"),
  carriedIn: about(amount, "from the block before, 1e-8 PEG"),
  fee: about(amount, "what the pool keeps, 1e-8 PEG"),
  paid: about(amount, "booked to users, 1e-8 PEG"),
  carried: about(amount, "to the next block with work, 1e-8 PEG"),
});

export const proofFile = v.strictObject({
  format: about(v.literal("prosper-proof"), "what kind of file it is"),
  version,
  pool: poolName,
  height,
  root,
  leaves: about(place, "workers in the block"),
  shares: about(shares, "of the whole block"),
  work: about(work, "of the whole block, in the job's credit unit"),
  books: about(books, "what the block booked"),
  first: about(place, "place of the first worker in the tree, from 0"),
  workers: about(
    v.pipe(v.array(v.strictObject({ user, worker, shares, work })), v.minLength(1)),
    "whose work is proved, in the tree's order",
  ),
  path: about(
    v.array(v.strictObject({ hash, shares, work })),
    "the largest subtrees without these workers, left to right",
  ),
  receipts: about(v.array(receiptFile), "signed by the pool, one for each worker"),
});
export type ProofFile = v.InferOutput<typeof proofFile>;
export type ProofBooks = v.InferOutput<typeof books>;

/** A file of either kind, as parsed JSON. */
export const provingFile = v.variant("format", [proofFile, receiptFile]);
