/** `prosper db adjust USER AMOUNT --reason TEXT`: a correction beside the sealed books, as a row with its reason (docs/design.md, "Money is conserved"). */

import { parseAdjustment } from "../../../shared/accounting/adjustment.ts";
import { adjust } from "../../../shared/db/payments.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { formatPeg } from "./audit.ts";

const DECIMALS = 8;
const PEG = /^([+-]?)(\d{1,12})(?:\.(\d{1,8}))?$/;

/** `amount` is PEG with at most 8 decimals. Throws CodedErrors `adjust-amount`, `adjust-reason`, `adjust-user`: nothing was booked. */
export async function dbAdjustCommand(
  user: string,
  amount: string,
  options: { reason: string; by?: string },
  modules: { db: Db; print: (line: string) => void },
): Promise<void> {
  const parsed = parseAdjustment(unitsOf(amount), options.reason);
  if (!parsed.ok) throw new CodedError(`adjust-${parsed.field}`, parsed.why);
  const madeBy = options.by ?? "command line";
  const result = await adjust(modules.db, { user, amount: parsed.amount, reason: parsed.reason, madeBy });
  if (result.outcome !== "added") throw new CodedError("adjust-user", `there is no user ${user}`);
  modules.print(`Adjustment ${result.id}: ${user} ${signedPeg(parsed.amount)} PEG, ${parsed.reason}`);
}

function unitsOf(text: string): bigint {
  const [, sign, whole = "", fraction = ""] = PEG.exec(text) ?? [];
  if (sign === undefined)
    throw new CodedError(
      "adjust-amount",
      `expected an amount in PEG with at most ${DECIMALS} decimals, such as 12.5 or -3, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  const units = BigInt(whole + fraction.padEnd(DECIMALS, "0"));
  return sign === "-" ? -units : units;
}

/** PEG with its sign, also where it is above 0. */
export function signedPeg(amount: bigint): string {
  return `${amount < 0n ? "" : "+"}${formatPeg(amount)}`;
}
