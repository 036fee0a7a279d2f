/**
 * `prosper payout compare|book|disregard`: what a paying address has paid by the chain, and how that gets
 * into the books.
 */

import { counted } from "../../../shared/counted.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { type ReceiptLine, recordReceipt } from "../../../shared/db/payments.ts";
import { completeBatches } from "../../../shared/db/payout-batches.ts";
import { disregardEntry, ownersOf } from "../../../shared/db/payout-comparison.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import {
  type CompareModules,
  type CompareOptions,
  compareWithChain,
  type Unbooked,
  unbookedLine,
} from "./compare.ts";

/** Lists what the books do not know; true where there is nothing. Throws what `compareWithChain` does. */
export async function compareCommand(options: CompareOptions, modules: CompareModules): Promise<boolean> {
  const { sources, through, unbooked, unread } = await compareWithChain(options, modules);
  for (const one of unbooked)
    modules.print(await unbookedLine(one, modules.db), {
      ...{ event: "unbooked", entryHash: one.entry.entryHash, height: one.entry.height },
      transactions: one.entry.batch.transactions,
    });
  if (sources.length === 0)
    modules.print("No address is known that pays: name one with --source", { event: "no-source" });
  else if (unbooked.length === 0)
    modules.print(`Everything that ${sources.join(", ")} paid up to block ${through} is in the books`, {
      ...{ event: "all-booked", sources, through },
    });
  if (unread.length > 0)
    modules.print(`${counted(unread.length, "entry", "entries")} on the way cannot be read yet`, {
      ...{ event: "unread", entries: unread },
    });
  return unbooked.length === 0;
}

/**
 * Books an entry that paid miners and that the books do not know. It is booked as it is on the chain: each
 * payment to the one account with that address. Throws CodedErrors `payout-unknown`, `payout-refused`, and
 * what `compareWithChain` does.
 */
export async function bookCommand(
  options: CompareOptions & { readonly entryHash: string },
  modules: CompareModules,
): Promise<void> {
  const { db, pegnetd, print } = modules;
  const unbooked = await find(options, modules);
  const refused = (why: string): CodedError =>
    new CodedError("payout-refused", `${options.entryHash} was not booked: ${why}`);
  if (unbooked.entry.height === undefined) throw refused("it is not in a block yet");
  const status = await pegnetd?.transaction(options.entryHash);
  if (status !== undefined && status.kind !== "executed")
    throw refused("pegnetd has not executed it yet: try again after the next block");
  const lines = await linesOf(unbooked, modules, refused);
  const outcome = await recordReceipt(db, lines);
  switch (outcome.outcome) {
    case "recorded":
      break;
    case "exceeds":
      throw refused(
        `it paid ${outcome.user} ${formatPeg(outcome.amount)} PEG, but ${formatPeg(outcome.owed)} is owed: the books have lost work too; add an adjustment with the reason first (\`prosper db adjust\`)`,
      );
    default:
      throw refused("the books know it otherwise: run `prosper audit`");
  }
  await completeBatches(db);
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n);
  const details = { total, users: lines.length };
  await logAdminAction(db, {
    actor: "command line",
    action: "book-entry",
    subject: options.entryHash,
    details,
  });
  print(`${options.entryHash}: booked ${formatPeg(total)} PEG to ${counted(lines.length, "user")}`, {
    ...{ event: "booked", entryHash: options.entryHash, total, users: lines.length },
  });
}

/** Throws CodedErrors `payout-unknown` and what `compareWithChain` does. */
export async function disregardCommand(
  options: CompareOptions & { readonly entryHash: string; readonly reason: string },
  modules: CompareModules,
): Promise<void> {
  const { entry } = await find(options, modules);
  const { entryHash, reason } = options;
  await disregardEntry(modules.db, { entryHash, reason, source: entry.batch.source });
  modules.print(`${entryHash}: paid no miner, on record with the reason`, {
    ...{ event: "disregarded", entryHash, reason },
  });
}

async function find(
  options: CompareOptions & { readonly entryHash: string },
  modules: CompareModules,
): Promise<Unbooked> {
  const { unbooked, through } = await compareWithChain(options, modules);
  const found = unbooked.find(({ entry }) => entry.entryHash === options.entryHash);
  if (found !== undefined) return found;
  throw new CodedError(
    "payout-unknown",
    `${options.entryHash} is none of what the books do not know up to block ${through} (${counted(unbooked.length, "entry", "entries")}): \`prosper payout compare\` lists them`,
  );
}

/** One line a user, as payments have it. */
async function linesOf(
  { entry }: Unbooked,
  { db }: CompareModules,
  refused: (why: string) => CodedError,
): Promise<ReceiptLine[]> {
  const paid = entry.batch.transactions;
  if (paid.some(({ ticker, conversion }) => ticker !== "PEG" || conversion !== undefined))
    throw refused("it does more than pay PEG: disregard it with the reason, and adjust what it settled");
  const transfers = paid.flatMap((one) => one.transfers).filter(({ amount }) => amount > 0n);
  const owners = await ownersOf(
    db,
    transfers.map(({ address }) => address),
  );
  const lines = new Map<string, ReceiptLine>();
  for (const { address, amount } of transfers) {
    const [user, ...others] = owners.get(address) ?? [];
    if (user === undefined)
      throw refused(
        `no account has the address ${address}: make the account again with that address, or book the receipt of this payout by \`prosper db record RECEIPT --by-hand\``,
      );
    if (others.length > 0)
      throw refused(
        `${[user, ...others].join(", ")} all have the address ${address}: book the receipt of this payout by \`prosper db record RECEIPT --by-hand\``,
      );
    const before = lines.get(user);
    const sum = (before?.amount ?? 0n) + amount;
    lines.set(user, { entryHash: entry.entryHash, user, address: before?.address ?? address, amount: sum });
  }
  return [...lines.values()];
}
