/** `prosper payout show`: who gets what of a payout and why, as the page of payday says it (shared/db/payday.ts). */

import { counted } from "../../../shared/counted.ts";
import { type PaydayLine, readPaydayLines } from "../../../shared/db/payday.ts";
import { readApprovals } from "../../../shared/db/payout-approvals.ts";
import {
  findBatch,
  listBatches,
  type PayoutBatch,
  preparedBatch,
} from "../../../shared/db/payout-batches.ts";
import { type Db, json } from "../../../shared/db/port.ts";
import { formatPeg, signedPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import { shownName } from "./review.ts";

/** A payout has no more lines. */
const ALL_LINES = 2_000_000_000;

/**
 * The payout with this id: without one the one that is prepared, else the newest. Prints lines for people, or one JSON line with amounts as strings
 * of 1e-8 PEG. Throws CodedError `payout-unknown`.
 */
export async function showCommand(
  options: { readonly id?: string | undefined; readonly json?: boolean | undefined },
  modules: { readonly db: Db; readonly print: (line: string) => void },
): Promise<void> {
  const { db, print } = modules;
  const batch = await chosenBatch(db, options.id);
  const [lines, approvals] = await Promise.all([
    readPaydayLines(db, batch.id, ALL_LINES),
    readApprovals(db, batch.id),
  ]);
  const { id, state, total, madeAtMs } = batch;
  const madeAt = new Date(madeAtMs).toISOString();
  if (options.json === true) {
    const { needed, by: agreed } = approvals;
    print(json({ id, state, madeAt, total, users: lines.length, agreed, needed, lines }));
    return;
  }
  for (const line of lines) for (const text of whyLines(line)) print(text);
  if (lines.length === 0)
    print("Its lines are not on record any more: it was replaced, and can no longer be sent");
  print(
    `${id}  ${madeAt}  ${state}  ${formatPeg(total)} PEG to ${counted(lines.length, "user")}; ${summary(lines)}`,
  );
  if (approvals.needed > 0)
    print(`${approvals.needed} must agree; so far ${approvals.by.join(", ") || "nobody has"}`);
}

async function chosenBatch(db: Db, id: string | undefined): Promise<PayoutBatch> {
  const found =
    id === undefined ? ((await preparedBatch(db)) ?? (await listBatches(db, 1))[0]) : await findBatch(db, id);
  if (found !== undefined) return found;
  throw new CodedError(
    "payout-unknown",
    id === undefined
      ? "no payout was ever prepared: `prosper payout prepare` does"
      : `there is no payout ${id}: \`prosper payout list\` shows them`,
  );
}

function whyLines(line: PaydayLine): [string, string] {
  const { user, address, amount, earned, adjusted, carried, lastAmount, lastAddress } = line;
  const parts = [
    `earned ${formatPeg(earned)}`,
    ...(adjusted === 0n ? [] : [`adjusted ${signedPeg(adjusted)}`]),
    ...(carried === 0n ? [] : [`carried ${formatPeg(carried)}`]),
    lastAmount === null ? "never paid before" : `last time ${formatPeg(lastAmount)}`,
  ];
  const mark = isChanged(line) ? `  CHANGED, last paid at ${lastAddress}` : "";
  return [
    `${formatPeg(amount).padStart(20)} PEG  ${address}  ${shownName(user)}`,
    `${" ".repeat(22)}${parts.join(", ")}${mark}`,
  ];
}

function isChanged({ address, lastAddress }: PaydayLine): boolean {
  return lastAddress !== null && lastAddress !== address;
}

function summary(lines: readonly PaydayLine[]): string {
  const added = lines.filter(({ lastAmount }) => lastAmount === null).length;
  return `${added} new, ${lines.filter(isChanged).length} at a changed address`;
}
