/** `prosper payout list`: every payout on record, the newest first, and how far each has come. */

import { counted } from "../../../shared/counted.ts";
import { listBatches, type PayoutBatch, readEntries, readLines } from "../../../shared/db/payout-batches.ts";
import { type Db, json } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";

const MOST = 100;

/** Prints a line for each, or one JSON line with amounts as strings. */
export async function listCommand(
  options: { readonly json?: boolean | undefined },
  modules: { readonly db: Db; readonly print: (line: string) => void },
): Promise<void> {
  const { db, print } = modules;
  const payouts = [];
  for (const batch of await listBatches(db, MOST)) {
    const entries = await readEntries(db, batch.id);
    const users = (await readLines(db, batch.id)).length;
    const count = (state: string): number => entries.filter((entry) => entry.state === state).length;
    payouts.push({
      id: batch.id,
      state: stateOf(batch, count("intended")),
      total: batch.total,
      users,
      source: batch.source,
      byHand: batch.byHand,
      madeAt: new Date(batch.madeAtMs).toISOString(),
      entries: entries.map(({ entryHash, state, txId, why }) => ({ entryHash, state, txId, why })),
      booked: count("booked"),
      void: count("void"),
    });
  }
  if (options.json === true) {
    print(json(payouts));
    return;
  }
  if (payouts.length === 0) print("No payout was ever prepared");
  for (const one of payouts) {
    const came =
      one.entries.length === 0
        ? ""
        : `, ${one.booked} of ${counted(one.entries.length, "entry", "entries")} booked${one.void > 0 ? `, ${one.void} given up` : ""}`;
    // The lines of a replaced list are deleted when it can no longer be sent.
    const to = one.users === 0 ? "" : ` to ${counted(one.users, "user")}`;
    const byHand = one.byHand ? ", by hand" : "";
    print(`${one.id}  ${one.madeAt}  ${one.state}  ${formatPeg(one.total)} PEG${to}${came}${byHand}`);
  }
}

/** The state `sent` means that every entry of the payout has left. */
function stateOf(
  batch: PayoutBatch,
  intended: number,
): "prepared" | "replaced" | "sending" | "sent" | "done" {
  return batch.state === "sending" && intended === 0 ? "sent" : batch.state;
}
