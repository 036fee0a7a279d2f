/** `prosper payout prepare`: what is owed becomes a batch on record, under a name made from its lines. */

import type { BatchLine } from "../../../shared/accounting/payout-batch.ts";
import type { Clock } from "../../../shared/clock.ts";
import { type Payable, type PayoutBatch, prepareBatch } from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { parseAddress } from "../../../shared/factom/address.ts";
import { writeNewFile } from "../../durable-file.ts";
import { formatPeg } from "../audit.ts";
import { formatFile } from "./files.ts";

export interface PrepareModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly print: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Prepares a payout of everybody who is owed at least `minimum` (1e-8 PEG) and can be paid; each one left out gets a line that says why. */
export async function preparePayout(
  options: { readonly minimum: bigint },
  modules: PrepareModules,
): Promise<{ batch: PayoutBatch; lines: readonly BatchLine[] } | undefined> {
  let left: string[] = [];
  const prepared = await prepareBatch(modules.db, {
    nowSeconds: Math.floor(modules.clock.wallMs() / 1000),
    choose: (payable) => {
      left = [];
      return payable.filter((one) => {
        const why = whyNot(one, options.minimum);
        if (why !== undefined) left.push(why);
        return why === undefined;
      });
    },
  });
  for (const why of left) modules.warn(`Left out: ${why}`);
  return prepared;
}

function whyNot({ user, address, amount }: Payable, minimum: bigint): string | undefined {
  if (amount < 0n) return `${user} has had ${formatPeg(-amount)} PEG more than was owed`;
  if (address === "") return `${user} is owed ${formatPeg(amount)} PEG but has no payout address`;
  if (!parseAddress("FA", address).ok)
    return `${user} is owed ${formatPeg(amount)} PEG but has no valid payout address: ${JSON.stringify(address)}`;
  if (amount < minimum)
    return `${user} is owed ${formatPeg(amount)} PEG, less than the minimum of ${formatPeg(minimum)}`;
  return undefined;
}

/** Writes the prepared payout to a new file. Throws CodedError `payout-file`. */
export async function prepareCommand(
  options: { readonly file: string; readonly minimum: bigint },
  modules: PrepareModules,
): Promise<void> {
  const prepared = await preparePayout(options, modules);
  if (prepared === undefined) {
    modules.print("Nothing is to be paid");
    return;
  }
  const { batch, lines } = prepared;
  const { id, saltSeconds } = batch;
  await writeNewFile(
    options.file,
    formatFile({ prosper: "payout", version: 1, id, saltSeconds, lines: [...lines] }),
  );
  modules.print(`Payout ${id}: ${formatPeg(batch.total)} PEG to ${lines.length} users, in ${options.file}`);
  modules.print(`Sign it within 11 hours where the paying key is: prosper payout sign ${options.file}`);
}
