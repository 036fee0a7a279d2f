/** The files that prove a worker's part of a block: proof and receipt, as JSON with decimal strings (docs/proofs.md). */

import * as v from "valibot";
import type { WorkProof } from "../accounting/merkle-proof.ts";
import type { SignedReceipt } from "../accounting/receipt.ts";
import { fromHex, toHex } from "../bytes.ts";
import { userName, workerName } from "./summary.ts";

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

export interface BlockFacts {
  readonly pool: string;
  readonly root: string;
  readonly shares: bigint;
  readonly work: bigint;
  readonly books: ProofBooks;
}

export function formatProof(
  proof: WorkProof,
  block: BlockFacts,
  receipts: readonly SignedReceipt[],
): ProofFile {
  const { height: blockHeight, leaves, first } = proof;
  return {
    format: "prosper-proof",
    version: 1,
    pool: block.pool,
    height: blockHeight,
    root: block.root,
    leaves,
    shares: block.shares.toString(),
    work: block.work.toString(),
    books: block.books,
    first,
    workers: proof.workers.map((leaf) => ({ ...leaf, ...sumsText(leaf) })),
    path: proof.path.map((node) => ({ hash: toHex(node.hash), ...sumsText(node) })),
    receipts: receipts.map(formatReceipt),
  };
}

export function formatReceipt(receipt: SignedReceipt): ReceiptFile {
  return {
    format: "prosper-receipt",
    version: 1,
    ...receipt,
    ...sumsText(receipt),
    amount: receipt.amount.toString(),
  };
}

function sumsText(sums: { shares: bigint; work: bigint }): { shares: string; work: string } {
  return { shares: sums.shares.toString(), work: sums.work.toString() };
}

/** Of a file that its schema has passed. */
export function proofOf(file: ProofFile): WorkProof {
  const { height: blockHeight, leaves, first } = file;
  return {
    height: blockHeight,
    leaves,
    first,
    workers: file.workers.map((leaf) => ({ ...leaf, ...sumsOf(leaf) })),
    path: file.path.map((node) => ({ hash: fromHex(node.hash), ...sumsOf(node) })),
  };
}

/** Of a file that its schema has passed. */
export function receiptOf(file: ReceiptFile): SignedReceipt {
  const { pool, height: blockHeight, user, worker, root, key, signature } = file;
  return {
    ...{ pool, height: blockHeight, user, worker, root, key, signature },
    ...sumsOf(file),
    amount: BigInt(file.amount),
  };
}

function sumsOf(sums: { shares: string; work: string }): { shares: bigint; work: bigint } {
  return { shares: BigInt(sums.shares), work: BigInt(sums.work) };
}
