/**
 * `prosper payout confirm`: looks on the chain for every entry of the payouts on their way, and books what
 * has paid.
 */

import { VOID_AFTER_SECONDS } from "../../../shared/accounting/payout-batch.ts";
import { counted } from "../../../shared/counted.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import {
  completeBatches,
  findBatch,
  markVoid,
  type PayoutBatch,
  type PayoutEntryRow,
  readEntries,
  readLines,
  sendingBatches,
} from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { TRANSACTION_CHAIN } from "../../../shared/factom/entry.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";
import type { Print } from "../output.ts";
import { isOnChain } from "./send.ts";

export interface ConfirmModules {
  readonly db: Db;
  readonly factomd: Factomd;
  /** Where there is one, an entry has paid when it was executed; without one, when it is in a block. */
  readonly pegnetd?: Pegnetd;
  readonly print: Print;
}

/**
 * `paid`: book it. `waiting`: `why` says for what. `void`: it will never pay.
 */
type Fate =
  | { readonly kind: "paid" }
  | { readonly kind: "waiting"; readonly why: string }
  | { readonly kind: "void"; readonly why: string };

/** Returns how many entries are still waited for. Throws CodedErrors `payout-unknown`, `payout-refused` and those of the clients. */
export async function confirmCommand(
  options: { readonly id?: string | undefined },
  modules: ConfirmModules,
): Promise<number> {
  const { db, print } = modules;
  await completeBatches(db);
  const batches = options.id === undefined ? await sendingBatches(db) : [await namedBatch(db, options.id)];
  let waiting = 0;
  for (const batch of batches) {
    for (const entry of await readEntries(db, batch.id)) {
      if (entry.state === "booked" || entry.state === "void") continue;
      const fate = await fateOf(entry, batch, modules);
      if (fate.kind === "paid") await book(batch, entry, modules);
      else if (fate.kind === "void") await giveUp(entry, fate.why, modules);
      else {
        waiting += 1;
        print(`${entry.entryHash}: ${fate.why}`, {
          ...{ event: "entry", entryHash: entry.entryHash, state: "waiting", why: fate.why },
        });
      }
    }
    await completeBatches(db);
    const now = await findBatch(db, batch.id);
    const isDone = now?.state === "done";
    print(`Payout ${batch.id}: ${isDone ? "done" : "on its way"}`, { event: "payout", id: batch.id, isDone });
  }
  if (batches.length === 0) print("No payout is on its way", { event: "nothing-on-its-way" });
  return waiting;
}

async function namedBatch(db: Db, id: string): Promise<PayoutBatch> {
  const batch = await findBatch(db, id);
  if (batch === undefined)
    throw new CodedError("payout-unknown", `there is no payout ${id}: \`prosper payout list\` shows them`);
  return batch;
}

async function fateOf(entry: PayoutEntryRow, batch: PayoutBatch, modules: ConfirmModules): Promise<Fate> {
  const { factomd, pegnetd } = modules;
  const status = (await factomd.ack(entry.entryHash, TRANSACTION_CHAIN)).entry;
  if (status !== "DBlockConfirmed") {
    if (await isOnChain(entry.entryHash, factomd)) return { kind: "waiting", why: "on its way into a block" };
    return notOnChain(batch, factomd);
  }
  if (pegnetd === undefined) return { kind: "paid" };
  const transaction = await pegnetd.transaction(entry.entryHash);
  switch (transaction.kind) {
    case "executed":
      return { kind: "paid" };
    case "rejected":
      return { kind: "void", why: `pegnetd refused it with ${transaction.code}: is the source funded?` };
    case "pending":
    case "unknown":
      return { kind: "waiting", why: "in a block; pegnetd has not executed it yet" };
  }
}

/** The chain's own time decides when it is too late, not this machine's: a node that is behind cannot tell what was sent. */
async function notOnChain(batch: PayoutBatch, factomd: Factomd): Promise<Fate> {
  const { directoryBlock } = await factomd.heights();
  const tip = await factomd.dblockByHeight(directoryBlock);
  const tipSeconds = (tip?.timestampMinutes ?? 0) * 60;
  return tipSeconds > batch.saltSeconds + VOID_AFTER_SECONDS
    ? { kind: "void", why: "it was not on the chain in time, and can never be executed any more" }
    : { kind: "waiting", why: "not on the chain: run `prosper payout send` (or `pay`) again" };
}

async function book(batch: PayoutBatch, entry: PayoutEntryRow, { db, print }: ConfirmModules): Promise<void> {
  const lines = (await readLines(db, batch.id)).filter((line) => line.entry === entry.no);
  const receipt = lines.map(({ user, address, amount }) => ({
    entryHash: entry.entryHash,
    user,
    address,
    amount,
  }));
  const outcome = await recordReceipt(db, receipt);
  if (outcome.outcome !== "recorded")
    throw new CodedError(
      "payout-refused",
      `entry ${entry.entryHash} has paid, but the books do not take it (${JSON.stringify(outcome, (_, item) => (typeof item === "bigint" ? String(item) : item))}): add an adjustment with the reason, then confirm again`,
    );
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n);
  print(`${entry.entryHash}: booked ${formatPeg(total)} PEG to ${counted(lines.length, "user")}`, {
    ...{ event: "entry", entryHash: entry.entryHash, state: "booked", total, users: lines.length },
  });
}

async function giveUp(entry: PayoutEntryRow, why: string, { db, print }: ConfirmModules): Promise<void> {
  await markVoid(db, entry.entryHash, why);
  print(`${entry.entryHash}: given up, what it was to pay is owed again: ${why}`, {
    ...{ event: "entry", entryHash: entry.entryHash, state: "void", why },
  });
}
