/**
 * The pool's signature under a list that it prepared: by it the machine with the paying key knows that the list is the pool's, whatever
 * the file went through on its way. By the key of receipts, under a heading that no receipt has.
 */

import { fromHex, toHex } from "../bytes.ts";
import { type KeyPair, verifySignature } from "../factom/ed25519.ts";
import { type BatchLine, linesDigest } from "./payout-batch.ts";

/** What decides every byte of a payout's entries but the paying key. */
export interface PayoutList {
  readonly saltSeconds: number;
  readonly lines: readonly BatchLine[];
}

/** The very text that is signed. */
export function payoutText({ saltSeconds, lines }: PayoutList): string {
  return `prosper-payout 1\nsalt=${saltSeconds}\nlines=${linesDigest(lines)}\n`;
}

/** 128 hex digits; the same list has the same. */
export function signPayout(list: PayoutList, poolKeys: KeyPair): string {
  return toHex(poolKeys.sign(new TextEncoder().encode(payoutText(list))));
}

/** `poolKey`: 64 hex digits, which the caller knows from elsewhere than the file. */
export function isPayoutOf(poolKey: string, list: PayoutList, signature: string): boolean {
  const text = new TextEncoder().encode(payoutText(list));
  return verifySignature(fromHex(poolKey, "key"), text, fromHex(signature, "signature"));
}
