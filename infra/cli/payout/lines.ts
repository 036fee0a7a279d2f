/** Converts between a batch's lines and those of the reference's files. */

import type { BatchLine } from "../../../shared/accounting/payout-batch.ts";
import type { PayoutLine } from "../../../shared/factom/payout.ts";

export function toPayoutLine(line: BatchLine): PayoutLine {
  return {
    entryHash: "",
    userId: line.user,
    payoutAddress: line.address,
    paymentAmount: line.amount,
    totalOwed: line.totalOwed,
    totalPaid: line.totalPaid,
  };
}

export function toBatchLine(line: PayoutLine): BatchLine {
  return {
    user: line.userId,
    address: line.payoutAddress,
    amount: line.paymentAmount,
    totalOwed: line.totalOwed,
    totalPaid: line.totalPaid,
  };
}
