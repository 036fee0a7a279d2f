/** Whether receipts can be signed now, shown by signing one: a miner should not be the first to find out. */

import { CodedError } from "../../../shared/errors.ts";
import { isSigned, type Receipt, signReceipt } from "../../../shared/proofs/receipt.ts";
import type { ReceiptKeySource } from "./receipt-keys.ts";

/** Of no block. */
const SAMPLE: Receipt = {
  ...{ pool: "check", height: 0, user: "check", worker: "check", shares: 1n, work: 1n, amount: 0n },
  root: "0".repeat(64),
};

/** Rejects with CodedError `receipt-key`, or as the source does. */
export async function canSignReceipts(source: ReceiptKeySource): Promise<void> {
  const keys = await source();
  if (keys === undefined || !isSigned(signReceipt(SAMPLE, keys.signing)))
    throw new CodedError(
      "receipt-key",
      "receipts cannot be signed: expected a secret to make their key of, got none or an empty one",
    );
}
