/**
 * Receipts: a receipt is the pool's signed statement of one worker's work in a sealed block (docs/proofs.md). Miners keep them. If the pool
 * later publishes other books, a receipt shows that it has signed both.
 */

import { fromHex, toHex } from "../bytes.ts";
import { type KeyPair, verifySignature } from "../factom/ed25519.ts";

export interface Receipt {
  /** The pool's name. */
  readonly pool: string;
  readonly height: number;
  readonly user: string;
  readonly worker: string;
  readonly shares: bigint;
  /** In the job's credit unit, as in the tree. */
  readonly work: bigint;
  /** Of the block's Merkle-sum tree, 64 hex digits. */
  readonly root: string;
  /** What the block booked to the user, for all its workers together, in 1e-8 PEG. */
  readonly amount: bigint;
}

export interface SignedReceipt extends Receipt {
  /** The pool's public receipt key, 64 hex digits. */
  readonly key: string;
  /** Ed25519 over `receiptText`, 128 hex digits. */
  readonly signature: string;
}

/** Exactly the text that is signed: lines with a newline each. RangeError where a field could break a line. */
export function receiptText(receipt: Receipt): string {
  const { pool, height, user, worker, shares, work, root, amount } = receipt;
  const fields = { pool, height, user, worker, shares, work, root, amount };
  const lines = Object.entries(fields).map(([name, value]) => {
    const text = `${value}`;
    if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError(`receipt ${name}: expected printable ASCII`);
    return `${name}=${text}`;
  });
  return ["prosper-receipt 1", ...lines, ""].join("\n");
}

/** The same receipt gives the same signature, whenever it is made. */
export function signReceipt(receipt: Receipt, keys: KeyPair): SignedReceipt {
  const signature = toHex(keys.sign(new TextEncoder().encode(receiptText(receipt))));
  return { ...receipt, key: toHex(keys.publicKey), signature };
}

/** Whether the signature was made with the receipt's `key`. The caller must know whose key that is. */
export function isSigned(receipt: SignedReceipt): boolean {
  const text = new TextEncoder().encode(receiptText(receipt));
  return verifySignature(fromHex(receipt.key, "key"), text, fromHex(receipt.signature, "signature"));
}
