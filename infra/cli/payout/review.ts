/** What a person is shown before a payout is signed or sent: who gets what and where, and which addresses are not those of last time. */

import type { BatchLine } from "../../../shared/accounting/payout-batch.ts";
import { counted } from "../../../shared/counted.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Print } from "../output.ts";

export interface ReviewModules {
  /** A line for the operator. */
  readonly print: Print;
  /** False: the operator says no. */
  readonly ask: (question: string) => Promise<boolean>;
}

/** A payout of up to this many lines is shown whole. */
const ALL_LINES = 40;
const LARGEST = 10;
/** The most addresses of each kind, where not all lines are shown. */
const ADDRESSES = 100;

type Line = Pick<BatchLine, "user" | "address" | "amount">;

/** `paidAt`: where each user was paid last. */
export function reviewLines(lines: readonly Line[], paidAt: Readonly<Record<string, string>>): string[] {
  const before = new Map(Object.entries(paidAt));
  const changed = lines.filter(({ user, address }) => (before.get(user) ?? address) !== address);
  const added = lines.filter(({ user }) => !before.has(user));
  const text = (line: Line): string => `  ${lineText(line, before)}`;
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n);
  const sum = `${formatPeg(total)} PEG to ${counted(lines.length, "user")}; ${added.length} new, ${changed.length} at a changed address`;
  if (lines.length <= ALL_LINES) return [...lines.map(text), sum];
  const largest = lines.toSorted((a, b) => (a.amount < b.amount ? 1 : a.amount > b.amount ? -1 : 0));
  return [
    `the largest ${LARGEST}:`,
    ...largest.slice(0, LARGEST).map(text),
    ...part("at a changed address", changed, text),
    ...part("new", added, text),
    sum,
  ];
}

function part(what: string, lines: readonly Line[], text: (line: Line) => string): string[] {
  if (lines.length === 0) return [];
  const rest = lines.slice(ADDRESSES);
  const restTotal = rest.reduce((sum, { amount }) => sum + amount, 0n);
  return [
    `${what}:`,
    ...lines
      .toSorted((a, b) => (a.amount < b.amount ? 1 : a.amount > b.amount ? -1 : 0))
      .slice(0, ADDRESSES)
      .map(text),
    ...(rest.length > 0 ? [`  … and ${rest.length} more with ${formatPeg(restTotal)} PEG in all`] : []),
  ];
}

function lineText({ user, address, amount }: Line, before: ReadonlyMap<string, string>): string {
  const last = before.get(user);
  const mark = last === undefined ? "  new" : last === address ? "" : `  CHANGED, last paid at ${last}`;
  return `${formatPeg(amount).padStart(20)} PEG  ${address}  ${shownName(user)}${mark}`;
}

/** A name in a file may hold anything, escape sequences of terminals too. */
export function shownName(user: string): string {
  return /^[\x21-\x7e]+$/.test(user) ? user : JSON.stringify(user).replaceAll(/[^\x20-\x7e]/g, "?");
}

/** Shows the payment and asks. Throws CodedError `payout-declined`. */
export async function confirmByPerson(
  question: string,
  lines: readonly Line[],
  paidAt: Readonly<Record<string, string>>,
  { print, ask }: ReviewModules,
): Promise<void> {
  for (const line of reviewLines(lines, paidAt)) print(line);
  if (!(await ask(question))) throw new CodedError("payout-declined", "nothing was signed or sent");
}
