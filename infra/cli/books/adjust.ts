/** `prosper db adjust USER AMOUNT --reason TEXT`: a correction beside the sealed books, as a row with its reason (docs/design.md, "Money is conserved"). */

import { randomUUID } from "node:crypto";
import { parseAdjustment } from "../../../shared/accounting/adjustment.ts";
import { askForAdjustment, MOST_WAITING } from "../../../shared/db/adjustment-requests.ts";
import { adjust, owedTo } from "../../../shared/db/payments.ts";
import { COMMAND_LINE } from "../../../shared/db/payout-approvals.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg, signedPeg, unitsOf } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Print } from "../output.ts";

const PEG = /^([+-]?)(\d{1,12}(?:\.\d{1,8})?)$/;

/** `amount` is PEG with at most 8 decimals; `confirm` is shown the new balance, and rejects where it is declined. Throws CodedErrors `adjust-amount`, `adjust-reason`, `adjust-user`: nothing was booked. */
export async function dbAdjustCommand(
  user: string,
  amount: string,
  options: { reason: string; by?: string; twoAdministrators?: boolean },
  modules: { db: Db; print: Print; confirm?: (question: string) => Promise<void> },
): Promise<void> {
  const parsed = parseAdjustment(amountOf(amount), options.reason);
  if (!parsed.ok) throw new CodedError(`adjust-${parsed.field}`, parsed.why);
  const madeBy = options.by ?? "command line";
  const owed = await owedTo(modules.db, user);
  if (owed === undefined) throw new CodedError("adjust-user", `there is no user ${user}`);
  const after = formatPeg(owed + parsed.amount);
  const { twoAdministrators = false } = options;
  await modules.confirm?.(
    `${user} is owed ${formatPeg(owed)} PEG, and ${after} PEG with this adjustment of ${signedPeg(parsed.amount)} PEG. ${twoAdministrators ? "Ask for it? An administrator must confirm it." : "Book it? It stays in the books."}`,
  );
  if (twoAdministrators) return ask({ user, amount: parsed.amount, reason: parsed.reason }, modules);
  const result = await adjust(modules.db, { user, amount: parsed.amount, reason: parsed.reason, madeBy });
  if (result.outcome !== "added") throw new CodedError("adjust-user", `there is no user ${user}`);
  modules.print(`Adjustment ${result.id}: ${user} ${signedPeg(parsed.amount)} PEG, ${parsed.reason}`, {
    ...{ event: "adjustment", id: result.id, user, amount: parsed.amount, reason: parsed.reason },
  });
}

/** In nobody's name but the command line's: who types is not known here. */
async function ask(
  adjustment: { readonly user: string; readonly amount: bigint; readonly reason: string },
  { db, print }: { readonly db: Db; readonly print: Print },
): Promise<void> {
  const { user, amount, reason } = adjustment;
  const asked = await askForAdjustment(db, { ...adjustment, madeBy: COMMAND_LINE, requestId: randomUUID() });
  if (asked.outcome !== "waiting")
    throw new CodedError(
      "adjust-waiting",
      `nothing was asked for: ${MOST_WAITING} adjustments wait already, confirm or withdraw some on /admin/adjustments`,
    );
  print(
    `Asked for adjustment ${asked.id}: ${user} ${signedPeg(amount)} PEG, ${reason}. An administrator confirms it on /admin/adjustments (pool.twoadministrators)`,
    { ...{ event: "adjustment-waiting", id: asked.id, user, amount, reason } },
  );
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
