/** `prosper import`: takes over the users of a Go pool, what each earned there, and what it was paid there. */

import * as v from "valibot";
import { counted } from "../../../shared/counted.ts";
import { fillPayoutAddress, insertMiner } from "../../../shared/db/accounts.ts";
import { adjust, recordReceipt } from "../../../shared/db/payments.ts";
import { lockPayments, sendingBatches } from "../../../shared/db/payout-batches.ts";
import { bigintText, type Db, json, sql } from "../../../shared/db/port.ts";
import { formatPeg, signedPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Output } from "../output.ts";
import { type GoPool, readGoPool } from "./go-pool.ts";
import { type Imported, type ImportPlan, type LeftOut, planImport, REQUEST_PREFIX } from "./import-plan.ts";

export interface ImportModules extends Output {
  readonly db: Db;
  /** The Go pool's database. */
  readonly from: Db;
  /** Asked before anything is changed; rejects where it is declined. */
  readonly confirm: (question: string) => Promise<void>;
}

const MADE_BY = "command line";

/** True where everything is here then; false: somebody was left out, who is named. Throws CodedErrors `go-pool`, `import-payout`, `import-changed`. */
export async function importCommand(
  options: { readonly dryRun?: boolean | undefined },
  modules: ImportModules,
): Promise<boolean> {
  const { db, from, print, confirm } = modules;
  const pool = await readGoPool(from);
  printPool(pool, modules);
  const plan = planImport(pool, await readImported(db, pool));
  printPlan(plan, modules);
  if (options.dryRun === true) return plan.leftOut.length === 0;
  if (changesOf(plan) === 0) {
    print("Nothing is to be changed: all of it is here", { event: "nothing-to-change" });
  } else {
    await confirm("Import this? It stays in the books.");
    await apply(db, pool, plan);
  }
  return compare(pool, modules);
}

/** All or nothing: somebody who has been credited and whose payments are missing would be paid twice. */
async function apply(db: Db, pool: GoPool, shown: ImportPlan): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPayments(tx);
    const [sending] = await sendingBatches(tx);
    if (sending !== undefined)
      throw new CodedError(
        "import-payout",
        `payout ${sending.id} is on its way: book it first (\`prosper payout confirm\`), what it pays may be paid there too`,
      );
    if (json(planImport(pool, await readImported(tx, pool))) !== json(shown))
      throw new CodedError("import-changed", "the books have changed meanwhile: run it again");
    for (const { name, address } of shown.users) {
      await insertMiner(tx, name);
      if (address !== null) await fillPayoutAddress(tx, name, address);
    }
    for (const { name, address } of shown.addresses) await fillPayoutAddress(tx, name, address);
    for (const earning of shown.earnings) {
      const { outcome } = await adjust(tx, { ...earning, madeBy: MADE_BY });
      if (outcome !== "added")
        throw new CodedError("import-changed", `${earning.user}: ${outcome}: run it again`);
    }
    for (const lines of shown.receipts) {
      const { outcome } = await recordReceipt(tx, lines);
      if (outcome !== "recorded")
        throw new CodedError("import-changed", `entry ${lines[0]?.entryHash}: ${outcome}: run it again`);
    }
  });
}

const userRow = v.object({ name: v.string(), address: v.nullable(v.string()), isAdmin: v.boolean() });
const earnedRow = v.object({ user: v.string(), amount: bigintText });
const paymentRow = v.object({ entryHash: v.string(), user: v.string(), amount: bigintText });

/** An answer of the Data API has 1 MiB at most. An entry pays some hundred users. */
const NAMES = 500;
const ENTRIES = 25;

/** What of the Go pool's is in the books. */
async function readImported(db: Db, pool: GoPool): Promise<Imported> {
  const names = [...pool.users.map(({ name }) => name), ...pool.earned.map(({ user }) => user)];
  const users = await inPages(names, NAMES, (page) =>
    db.query(
      sql`SELECT name, payout_address AS address, is_admin AS "isAdmin" FROM users WHERE name IN (SELECT jsonb_array_elements_text(${page}::jsonb))`,
      userRow,
    ),
  );
  const earned = await inPages(names, NAMES, (page) =>
    db.query(
      sql`SELECT user_name AS "user", sum(amount)::text AS amount FROM adjustments
        WHERE request_id LIKE ${`${REQUEST_PREFIX}%`} AND user_name IN (SELECT jsonb_array_elements_text(${page}::jsonb)) GROUP BY user_name`,
      earnedRow,
    ),
  );
  const paid = await inPages(
    pool.paid.map(({ entryHash }) => entryHash),
    ENTRIES,
    (page) =>
      db.query(
        sql`SELECT entry_hash AS "entryHash", user_name AS "user", amount::text AS amount FROM payments
          WHERE entry_hash IN (SELECT jsonb_array_elements_text(${page}::jsonb))`,
        paymentRow,
      ),
  );
  const payments = new Map<string, Map<string, bigint>>();
  for (const { entryHash, user, amount } of paid)
    payments.set(entryHash, (payments.get(entryHash) ?? new Map<string, bigint>()).set(user, amount));
  return {
    users: new Map(users.map(({ name, ...user }) => [name, user])),
    earned: new Map(earned.map(({ user, amount }) => [user, amount])),
    payments,
  };
}

/** `read` is given so many different ones at a time, as a JSON array. */
async function inPages<Row>(
  all: readonly string[],
  size: number,
  read: (page: string) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const different = [...new Set(all)];
  const rows: Row[] = [];
  for (let at = 0; at < different.length; at += size)
    rows.push(...(await read(json(different.slice(at, at + size)))));
  return rows;
}

function changesOf({ users, addresses, earnings, receipts }: ImportPlan): number {
  return users.length + addresses.length + earnings.length + receipts.length;
}

const sumOf = (rows: readonly { readonly amount: bigint }[]): bigint =>
  rows.reduce((sum, { amount }) => sum + amount, 0n);

function printPool({ users, earned, paid }: GoPool, { print }: Output): void {
  const [all, out] = [sumOf(earned), sumOf(paid)];
  print(
    `The Go pool has ${counted(users.length, "user")}: ${formatPeg(all)} PEG earned, ${formatPeg(out)} PEG paid in ${counted(paid.length, "payment")}, ${formatPeg(all - out)} PEG owed`,
    { event: "go-pool", users: users.length, earned: all, paid: out, owed: all - out },
  );
  const admins = users.filter(({ isAdmin }) => isAdmin).map(({ name }) => name);
  if (admins.length > 0)
    print(`Administrators there, who are none here by this: ${admins.join(", ")} (\`prosper db admin\`)`, {
      event: "administrators",
      users: admins,
    });
}

function printPlan({ users, addresses, earnings, receipts, leftOut }: ImportPlan, output: Output): void {
  const { print } = output;
  for (const { name, address } of users)
    print(`New user ${name}, ${address ?? "without an address that can be paid"}`, {
      ...{ event: "new-user", user: name, address },
    });
  for (const { name, address } of addresses)
    print(`Address of ${name}: ${address}`, { event: "address", user: name, address });
  for (const { user, amount } of earnings)
    print(`${user} is credited ${signedPeg(amount)} PEG`, { event: "credit", user, amount });
  for (const lines of receipts) {
    const [entryHash, amount] = [lines[0]?.entryHash ?? "", sumOf(lines)];
    print(`Entry ${entryHash} has paid ${formatPeg(amount)} PEG to ${lines.length} of them`, {
      ...{ event: "payment", entryHash, users: lines.length, amount },
    });
  }
  printLeftOut(leftOut, output);
}

function printLeftOut(leftOut: readonly LeftOut[], { print }: Output): void {
  for (const { user, why, owed } of leftOut)
    print(`Left out: ${JSON.stringify(user)}, who is owed ${formatPeg(owed)} PEG there: ${why}`, {
      ...{ event: "left-out", user, owed, why },
    });
}

/** Looks at both again: what is here must be what is there, but for whom was left out. */
async function compare(pool: GoPool, modules: ImportModules): Promise<boolean> {
  const { db, print } = modules;
  const left = planImport(pool, await readImported(db, pool));
  const out = new Set(left.leftOut.map(({ user }) => user));
  const taken = <Row extends { readonly user: string }>(rows: readonly Row[]): Row[] =>
    rows.filter(({ user }) => !out.has(user));
  const [earned, paid] = [sumOf(taken(pool.earned)), sumOf(taken(pool.paid))];
  const isWhole = changesOf(left) === 0 && out.size === 0;
  print(
    changesOf(left) === 0
      ? `Compared: ${formatPeg(earned)} PEG earned and ${formatPeg(paid)} PEG paid there are in these books, ${formatPeg(earned - paid)} PEG owed${out.size === 0 ? "; no difference" : `; different: the ${out.size} left out, with ${formatPeg(sumOf(left.leftOut.map(({ owed }) => ({ amount: owed }))))} PEG owed`}`
      : `Compared: ${changesOf(left)} things differ still: run it again`,
    {
      event: "compared",
      earned,
      paid,
      owed: earned - paid,
      differences: changesOf(left) + out.size,
      isWhole,
    },
  );
  return isWhole;
}
