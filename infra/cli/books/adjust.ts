/** `prosper db adjust USER AMOUNT --reason TEXT`: a correction beside the sealed books, as a row with its reason (docs/design.md, "Money is conserved"). */

import { parseAdjustment } from "../../../shared/accounting/adjustment.ts";
import { adjust, owedTo } from "../../../shared/db/payments.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg, signedPeg, unitsOf } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Print } from "../output.ts";

const PEG = /^([+-]?)(\d{1,12}(?:\.\d{1,8})?)$/;

/** `amount` is PEG with at most 8 decimals; `confirm` is shown the new balance, and rejects where it is declined. Throws CodedErrors `adjust-amount`, `adjust-reason`, `adjust-user`: nothing was booked. */
export async function dbAdjustCommand(
  user: string,
  amount: string,
  options: { reason: string; by?: string },
  modules: { db: Db; print: Print; confirm?: (question: string) => Promise<void> },
): Promise<void> {
  const parsed = parseAdjustment(amountOf(amount), options.reason);
  if (!parsed.ok) throw new CodedError(`adjust-${parsed.field}`, parsed.why);
  const madeBy = options.by ?? "command line";
  const owed = await owedTo(modules.db, user);
  if (owed === undefined) throw new CodedError("adjust-user", `there is no user ${user}`);
  const after = formatPeg(owed + parsed.amount);
  await modules.confirm?.(
    `${user} is owed ${formatPeg(owed)} PEG, and ${after} PEG with this adjustment of ${signedPeg(parsed.amount)} PEG. Book it? It stays in the books.`,
  );
  const result = await adjust(modules.db, { user, amount: parsed.amount, reason: parsed.reason, madeBy });
  if (result.outcome !== "added") throw new CodedError("adjust-user", `there is no user ${user}`);
  modules.print(`Adjustment ${result.id}: ${user} ${signedPeg(parsed.amount)} PEG, ${parsed.reason}`, {
    ...{ event: "adjustment", id: result.id, user, amount: parsed.amount, reason: parsed.reason },
  });
}

function amountOf(text: string): bigint {
  const [, sign, digits = ""] = PEG.exec(text) ?? [];
  if (sign === undefined)
    throw new CodedError(
      "adjust-amount",
      `expected an amount in PEG with at most 8 decimals, such as 12.5 or -3, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  const units = unitsOf(digits);
  return sign === "-" ? -units : units;
}
