/** `prosper db migrate|payout|record`: the operator's side of the books (docs/spec.md, "Payments"). */

import { linesDigest } from "../../../shared/accounting/payout-batch.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { type ReceiptLine, recordReceipt } from "../../../shared/db/payments.ts";
import { COMMAND_LINE } from "../../../shared/db/payout-approvals.ts";
import { completeBatches, type Prepared, voidEntries } from "../../../shared/db/payout-batches.ts";
import { isReceiptOnRecord } from "../../../shared/db/payout-intents.ts";
import type { Db } from "../../../shared/db/port.ts";
import { ensureRoles, ROLES, roleName } from "../../../shared/db/roles.ts";
import { missingMigrations } from "../../../shared/db/schema-check.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { formatPayoutLines, type PayoutLine, parsePayoutLines } from "../../../shared/factom/payout.ts";
import { readTextFile, writeNewFile } from "../../durable-file.ts";
import type { Print } from "../output.ts";
import { toBatchLine, toPayoutLine } from "./lines.ts";
import { formatListSignature } from "./list-signature.ts";
import { type NewFile, preparePayout } from "./prepare.ts";

export interface DbCommandModules {
  readonly db: Db;
  readonly print: Print;
  readonly warn: (line: string) => void;
}

/** Brings the database to this version and names what it ran; `dryRun` only names what is missing. `roles`: see ensureRoles. */
export async function dbMigrateCommand(
  { dryRun, roles = false }: { readonly dryRun: boolean; readonly roles?: boolean },
  { db, print }: Pick<DbCommandModules, "db" | "print">,
): Promise<void> {
  const names = dryRun
    ? (await missingMigrations(db, loadMigrations())).map(({ name }) => name)
    : await migrate(db);
  for (const name of names)
    print(`${dryRun ? "Missing" : "Ran"} ${name}`, { event: dryRun ? "missing" : "ran", migration: name });
  if (names.length === 0) print("The database is up to date", { event: "up-to-date" });
  if (!roles || dryRun) return;
  await ensureRoles(db);
  const made = ROLES.map(roleName);
  print(`Roles ${made.join(", ")} have their rights; one may log in once it has a password`, {
    event: "roles",
    roles: made,
  });
}

/**
 * Lists what is owed and not on its way, in the reference's format for `payout pay`. The list goes into
 * `file`, which must be new, or to stdout without one. From then on it is the prepared payout
 * (payout/prepare.ts), so two calls make one payout. Users who cannot be paid are left out, each with a line
 * that says why. Throws CodedError `payout-file`.
 */
export async function dbPayoutCommand(
  file: string | undefined,
  modules: DbCommandModules & {
    readonly minimum?: bigint;
    readonly clock?: Clock;
    /** How many must agree before it may be paid. */
    readonly approvalsNeeded?: number | undefined;
    /** See PrepareModules. */
    readonly compare: () => Promise<void>;
    /** Signs the list, where this machine has the pool's key. */
    readonly poolKeys?: KeyPair | undefined;
  },
): Promise<void> {
  const { clock = systemClock, minimum = 0n, poolKeys, approvalsNeeded } = modules;
  const filesOf = ({ batch, lines }: Prepared): NewFile[] => {
    if (file === undefined) return [];
    const list = { saltSeconds: batch.saltSeconds, lines };
    return [
      { path: file, text: formatPayoutLines(lines.map(toPayoutLine)) },
      ...(poolKeys === undefined ? [] : [formatListSignature(file, list, poolKeys)]),
    ];
  };
  const prepared = await preparePayout(
    { minimum, filesOf, by: COMMAND_LINE, approvalsNeeded },
    { ...modules, clock },
  );
  const lines = (prepared?.lines ?? []).map(toPayoutLine);
  const total = prepared?.batch.total ?? 0n;
  const facts = { event: "payout-list", users: lines.length, total };
  if (file === undefined) {
    modules.print(formatPayoutLines(lines), { ...facts, lines });
    return;
  }
  if (prepared === undefined) await writeNewFile(file, formatPayoutLines([]));
  modules.print(`Payment data of ${counted(lines.length, "user")} written to ${file}`, { ...facts, file });
  modules.print(`${formatPeg(total)} PEG needed for the payout`, { event: "needed", total });
}

/**
 * Books the receipt that `payout pay` wrote: all of it or nothing, each entry once. The same receipt again
 * does nothing and says so. A receipt whose list the pool has not prepared is accepted only with `byHand`.
 * Throws CodedErrors `receipt-invalid` (not a receipt), `receipt-refused` (not in agreement with the books).
 */
export async function dbRecordCommand(
  file: string,
  modules: DbCommandModules & { readonly byHand?: boolean | undefined },
): Promise<void> {
  const text = await readTextFile(file);
  if (text === undefined) throw new CodedError("receipt-invalid", `no receipt file at ${file}`);
  const lines = receiptLines(text);
  if (lines.length === 0) {
    modules.print("Every payment of this receipt is 0; nothing was changed", { event: "nothing-to-record" });
    return;
  }
  const total = lines.reduce((sum, line) => sum + line.amount, 0n);
  const [hopeless] = await voidEntries(modules.db, [...new Set(lines.map(({ entryHash }) => entryHash))]);
  if (hopeless !== undefined)
    throw refused(
      `entry ${hopeless.entryHash} paid nothing (${hopeless.why}); what it was to pay is owed again`,
    );
  const digest = linesDigest(parsePayoutLines(text).filter(hasMoved).map(toBatchLine));
  if (modules.byHand !== true && !(await isReceiptOnRecord(modules.db, { digest, lines })))
    throw refused(
      "the pool has prepared no list of just these users, addresses and amounts. If you never touched it, somebody else did. A receipt of a list that was written by hand needs --by-hand; what was really paid shows `prosper payout compare`",
    );
  const result = await recordReceipt(modules.db, lines);
  await completeBatches(modules.db);
  switch (result.outcome) {
    case "recorded":
      tellRecorded(result, total, modules.print);
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

function tellRecorded(
  { booked, known }: { readonly booked: number; readonly known: number },
  total: bigint,
  print: Print,
): void {
  const facts = { event: "recorded", total, booked, known };
  if (booked === 0) print("This receipt is recorded already; nothing was changed", facts);
  else
    print(
      `Payment data recorded: ${formatPeg(total)} PEG in ${counted(booked + known, "entry", "entries")}`,
      facts,
    );
  if (booked > 0 && known > 0)
    print(`${known} of them were recorded before`, { event: "known-before", entries: known });
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
  return lines.filter(hasMoved).map(({ entryHash, userId, payoutAddress, paymentAmount }) => ({
    entryHash,
    user: userId,
    address: payoutAddress,
    amount: paymentAmount,
  }));
}

function hasMoved(line: PayoutLine): boolean {
  return line.paymentAmount > 0n;
}
