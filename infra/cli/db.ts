/** `prosper db migrate|payout|record`: the operator's side of the books (SPEC.md §6). */

import { type Clock, systemClock } from "../../shared/clock.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { type ReceiptLine, recordReceipt } from "../../shared/db/payments.ts";
import { settleBatches, voidEntries } from "../../shared/db/payout-batches.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { formatPayoutLines, parsePayoutLines } from "../../shared/factom/payout.ts";
import { readTextFile, writeNewFile } from "../durable-file.ts";
import { formatPeg } from "./audit.ts";
import { toPayoutLine } from "./payout/lines.ts";
import { preparePayout } from "./payout/prepare.ts";

export interface DbCommandModules {
  readonly db: Db;
  /** A line for stdout. */
  readonly print: (line: string) => void;
  /** A line for stderr. */
  readonly warn: (line: string) => void;
}

/** Brings the database to this version. */
export async function dbMigrateCommand(modules: DbCommandModules): Promise<void> {
  const ran = await migrate(modules.db);
  for (const name of ran) modules.print(`Ran ${name}`);
  if (ran.length === 0) modules.print("The database is up to date");
}

/**
 * Lists what is owed and not on its way, in the reference's format for `payout pay`: into `file`, which must be new, or without one to
 * stdout. It is the prepared payout from then on (payout/prepare.ts): asked for twice it is one payout. Users who cannot be paid are left
 * out, each with a line that says why. Throws CodedError `payout-file`.
 */
export async function dbPayoutCommand(
  file: string | undefined,
  modules: DbCommandModules & { readonly minimum?: bigint; readonly clock?: Clock },
): Promise<void> {
  const { clock = systemClock, minimum = 0n } = modules;
  const prepared = await preparePayout({ minimum }, { ...modules, clock });
  const lines = (prepared?.lines ?? []).map(toPayoutLine);
  const text = formatPayoutLines(lines);
  if (file === undefined) {
    modules.print(text);
    return;
  }
  await writeNewFile(file, text);
  modules.print(`Payment data of ${lines.length} users written to ${file}`);
  modules.print(`${formatPeg(prepared?.batch.total ?? 0n)} PEG needed for the payout`);
}

/**
 * Books the receipt that `payout pay` wrote: all of it or nothing, each entry once. The same receipt again does nothing and says so.
 * Throws CodedErrors `receipt-invalid` (not a receipt), `receipt-refused` (not in agreement with the books).
 */
export async function dbRecordCommand(file: string, modules: DbCommandModules): Promise<void> {
  const text = await readTextFile(file);
  if (text === undefined) throw new CodedError("receipt-invalid", `no receipt file at ${file}`);
  const lines = receiptLines(text);
  if (lines.length === 0) {
    modules.print("Every payment of this receipt is 0; nothing was changed");
    return;
  }
  const total = lines.reduce((sum, line) => sum + line.amount, 0n);
  const [hopeless] = await voidEntries(modules.db, [...new Set(lines.map(({ entryHash }) => entryHash))]);
  if (hopeless !== undefined)
    throw refused(
      `entry ${hopeless.entryHash} paid nothing (${hopeless.why}); what it was to pay is owed again`,
    );
  const result = await recordReceipt(modules.db, lines);
  await settleBatches(modules.db);
  switch (result.outcome) {
    case "recorded":
      if (result.booked === 0) modules.print("This receipt is recorded already; nothing was changed");
      else
        modules.print(
          `Payment data recorded: ${formatPeg(total)} PEG in ${result.booked + result.known} entries`,
        );
      if (result.booked > 0 && result.known > 0)
        modules.print(`${result.known} of them were recorded before`);
      return;
    case "conflict":
      throw refused(
        `entry ${result.entryHash} is recorded already with other payments: compare the receipts`,
      );
    case "unknown-user":
      throw refused(`it pays ${result.user}, who has no account`);
    case "exceeds":
      throw refused(
        `it pays ${result.user} ${formatPeg(result.amount)} PEG, but ${formatPeg(result.owed)} is owed: if it was really sent, add an adjustment with the reason first`,
      );
  }
}

function refused(why: string): CodedError {
  return new CodedError("receipt-refused", `the receipt was not recorded: ${why}`);
}

/** The lines to book: payments of 0 have moved nothing. */
function receiptLines(text: string): ReceiptLine[] {
  const invalid = (why: string): CodedError => new CodedError("receipt-invalid", `not a receipt: ${why}`);
  const lines = parsePayoutLines(text);
  if (lines.length === 0) throw invalid("no payments to record");
  const seen = new Set<string>();
  for (const { entryHash, userId, paymentAmount } of lines) {
    if (!/^[0-9a-f]{64}$/.test(entryHash))
      throw invalid(
        `the payment to ${userId} has ${entryHash === "" ? "no entry hash: is this the payout file?" : `the entry hash ${entryHash}`}`,
      );
    if (paymentAmount < 0n) throw invalid(`the payment to ${userId} is ${paymentAmount}`);
    const key = `${entryHash},${userId}`;
    if (seen.has(key)) throw invalid(`${userId} is paid twice by entry ${entryHash}`);
    seen.add(key);
  }
  const moved = lines.filter((line) => line.paymentAmount > 0n);
  return moved.map(({ entryHash, userId, payoutAddress, paymentAmount }) => ({
    entryHash,
    user: userId,
    address: payoutAddress,
    amount: paymentAmount,
  }));
}
