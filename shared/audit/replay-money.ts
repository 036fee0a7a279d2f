/** The replay's second half: it checks adjustments and payments against their chain of hashes, and computes what each user is owed. */

import type { Db } from "../db/port.ts";
import { sha256Hex } from "../sha256.ts";
import type { UserAudit } from "./audit.ts";
import type { BooksHash } from "./books-hash.ts";
import type { Differences } from "./differences.ts";
import { readAdjustments, readMoneyLog, readPayments, readStoredBalances } from "./replay-rows.ts";

type Balance = Pick<UserAudit, "booked" | "adjusted" | "paidOut" | "owed">;

interface Modules {
  readonly differences: Differences;
  readonly hash: BooksHash;
}

/** Every user's balance as the records make it, in byte order of the names. `booked`: what the blocks have booked to each. */
export async function replayMoney(
  db: Db,
  booked: ReadonlyMap<string, bigint>,
  modules: Modules,
): Promise<Map<string, Balance>> {
  await checkMoneyLog(db, modules.differences);
  const adjusted = await sumAdjustments(db, modules);
  const paidOut = await sumPayments(db, modules);
  const { differences, hash } = modules;
  const balances = new Map<string, Balance>();
  for await (const { user, ...stored } of readStoredBalances(db)) {
    const sums = {
      booked: booked.get(user) ?? 0n,
      adjusted: adjusted.get(user) ?? 0n,
      paidOut: paidOut.get(user) ?? 0n,
    };
    const made = { ...sums, owed: sums.booked + sums.adjusted - sums.paidOut };
    differences.compare(`user ${user}`, ["booked", "adjusted", "paidOut", "owed"], stored, made);
    hash.line("balance", user, made.booked, made.adjusted, made.paidOut, made.owed);
    balances.set(user, made);
  }
  for (const name of new Set([...booked.keys(), ...adjusted.keys(), ...paidOut.keys()]))
    if (!balances.has(name)) differences.add(`user ${name}: money is booked, but there is no such user`);
  return balances;
}

async function sumAdjustments(db: Db, { differences, hash }: Modules): Promise<Map<string, bigint>> {
  const sums = new Map<string, bigint>();
  for await (const { logged, ...row } of readAdjustments(db)) {
    const { id, user, amount, reason, madeBy, at } = row;
    compareLogged(
      `adjustment ${id} of ${user}`,
      { ...row, id: `${id}`, amount: `${amount}` },
      logged,
      differences,
    );
    sums.set(user, (sums.get(user) ?? 0n) + amount);
    hash.line("adjustment", id, user, amount, reason, madeBy, at);
  }
  return sums;
}

async function sumPayments(db: Db, { differences, hash }: Modules): Promise<Map<string, bigint>> {
  const sums = new Map<string, bigint>();
  for await (const { logged, ...row } of readPayments(db)) {
    const { entryHash, user, address, amount, at } = row;
    compareLogged(`payment ${entryHash} to ${user}`, { ...row, amount: `${amount}` }, logged, differences);
    sums.set(user, (sums.get(user) ?? 0n) + amount);
    hash.line("payment", entryHash, user, address, amount, at);
  }
  return sums;
}

/** `row` with every value as text, as the log keeps it. */
function compareLogged(
  where: string,
  row: Readonly<Record<string, string>>,
  logged: string | null,
  differences: Differences,
): void {
  if (logged === null) {
    differences.add(`${where}: the money log does not know it`);
    return;
  }
  differences.compare(where, Object.keys(row), row, fieldsOf(logged));
}

function fieldsOf(logged: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(logged);
    return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
  } catch {
    // A damaged body has no fields; its hash shows the damage too.
    return {};
  }
}

/** Each hash covers the one before it, the numbers have no gap, and what is logged is still there. */
async function checkMoneyLog(db: Db, differences: Differences): Promise<void> {
  let before = "";
  let expected = 1n;
  for await (const { id, kind, key, body, sha256, stands } of readMoneyLog(db)) {
    const where = `money log ${id}`;
    if (id !== expected) differences.add(`${where}: the one before it, ${expected}, is missing`);
    differences.compare(where, ["sha256"], { sha256 }, { sha256: sha256Hex(`${before}\n${body}`) });
    if (!stands) differences.add(`${where}: the ${kind} ${key} that it tells of is missing`);
    before = sha256;
    expected = id + 1n;
  }
}
