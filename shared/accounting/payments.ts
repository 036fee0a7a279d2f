/** How much each user is to be paid, and which receipts may be booked (docs/spec.md, "Payments"). */

import { compareNames } from "./name-order.ts";

/** A user's books in 1e-8 PEG. */
export interface UserBalance {
  readonly user: string;
  readonly address: string;
  readonly booked: bigint;
  readonly adjusted: bigint;
  readonly paidOut: bigint;
}

export interface Payment {
  readonly user: string;
  readonly address: string;
  readonly amount: bigint;
  readonly owed: bigint;
  readonly paid: bigint;
}

/** The payments to make, and the users who got too much: a negative amount cannot be sent. Both in byte order of the names. */
export interface PaymentList {
  readonly payments: readonly Payment[];
  readonly overpaid: readonly Payment[];
}

/** Everything owed (booked + adjusted − paid out). Users owed nothing are left out. */
export function duePayments(balances: readonly UserBalance[]): PaymentList {
  const all = balances
    .map(({ user, address, booked, adjusted, paidOut }) => {
      const owed = booked + adjusted;
      return { user, address, owed, paid: paidOut, amount: owed - paidOut };
    })
    .sort((a, b) => compareNames(a.user, b.user));
  return {
    payments: all.filter(({ amount }) => amount > 0n),
    // Differs from prosper-pool: it lists these as payments, and its payout command then refuses the whole file.
    overpaid: all.filter(({ amount }) => amount < 0n),
  };
}

export type ReceiptVerdict = "record" | "empty" | "no-entry-hash" | "already-recorded";

/** Whether a receipt's payments may be booked. `recorded` has the entry hashes that are booked already. */
export function judgeReceipt(
  payments: readonly { readonly entryHash: string }[],
  recorded: ReadonlySet<string>,
): ReceiptVerdict {
  if (payments.length === 0) return "empty";
  // Differs from prosper-pool: it looks at the first payment only; a receipt of several entries is checked whole.
  if (payments.some(({ entryHash }) => entryHash === "")) return "no-entry-hash";
  return payments.some(({ entryHash }) => recorded.has(entryHash)) ? "already-recorded" : "record";
}
