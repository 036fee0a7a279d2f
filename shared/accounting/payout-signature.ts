/**
 * The pool's signature under a list that it prepared. It shows the machine with the paying key that the list is the pool's, whatever
 * happened to the file on its way. It is made with the key of receipts, under a heading that no receipt has.
 */

import { fromHex, toHex } from "../bytes.ts";
import { type KeyPair, verifySignature } from "../factom/ed25519.ts";
import { sha256Hex } from "../sha256.ts";
import { type BatchLine, linesDigest } from "./payout-batch.ts";

/** Together with the paying key, this decides every byte of a payout's entries. */
export interface PayoutList {
  readonly saltSeconds: number;
  readonly lines: readonly BatchLine[];
}

/** Exactly the text that is signed. */
export function payoutText({ saltSeconds, lines }: PayoutList): string {
  return `prosper-payout 1\nsalt=${saltSeconds}\nlines=${linesDigest(lines)}\n`;
}

/** What a person compares between the machine that prepared the list and the one that signs it: 64 hex digits. */
export function payoutDigest(list: PayoutList): string {
  return sha256Hex(payoutText(list));
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
