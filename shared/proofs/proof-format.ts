/** Proofs and receipts to their files and back: numbers as decimal strings, hashes as hex (docs/proofs.md). */

import { fromHex, toHex } from "../bytes.ts";
import type { WorkProof } from "./merkle-proof.ts";
import type { ProofBooks, ProofFile, ReceiptFile } from "./proof-file.ts";
import type { SignedReceipt } from "./receipt.ts";

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
