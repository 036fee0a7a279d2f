/** Who is owed what, receipts and adjustments (SPEC.md §6): owed = booked + adjusted − paid out. */

import * as v from "valibot";
import { duePayments, type PaymentList, type UserBalance } from "../accounting/payments.ts";
import { bigintText, type Db, json, jsonText, one, sql } from "./port.ts";

const PAGE_ROWS = 1000;

const balanceRow = v.object({
  user: v.string(),
  /** FA…; "": the user has given none. */
  address: v.string(),
  booked: bigintText,
  adjusted: bigintText,
  paidOut: bigintText,
});

/** Every user's books, in byte order of the names. */
export async function readBalances(db: Db): Promise<UserBalance[]> {
  const balances: UserBalance[] = [];
  for (;;) {
    const page = await db.query(
      sql`SELECT user_name AS "user", COALESCE(payout_address, '') AS address, booked::text AS booked, adjusted::text AS adjusted,
        paid_out::text AS "paidOut"
        FROM balances WHERE user_name > ${balances.at(-1)?.user ?? ""} ORDER BY user_name LIMIT ${PAGE_ROWS}::int`,
      balanceRow,
    );
    balances.push(...page);
    if (page.length < PAGE_ROWS) return balances;
  }
}

/** What is to be paid now. Payments without an address cannot be sent. */
export async function readDuePayments(db: Db): Promise<PaymentList> {
  return duePayments(await readBalances(db));
}

/** One line of a receipt; the amount is above 0 and each (entry, user) stands once. */
export interface ReceiptLine {
  readonly entryHash: string;
  readonly user: string;
  readonly address: string;
  readonly amount: bigint;
}

const recordOutcome = v.pipe(
  jsonText,
  v.variant("outcome", [
    /** `booked` entries are new, `known` ones were booked before with the very same lines. */
    v.object({ outcome: v.literal("recorded"), booked: v.number(), known: v.number() }),
    /** The entry is booked with other lines. */
    v.object({ outcome: v.literal("conflict"), entryHash: v.string() }),
    v.object({ outcome: v.literal("unknown-user"), user: v.string() }),
    v.object({ outcome: v.literal("exceeds"), user: v.string(), owed: bigintText, amount: bigintText }),
  ]),
);
/** All but `recorded` have booked nothing. */
export type RecordOutcome = v.InferOutput<typeof recordOutcome>;

/** Books a receipt whole or not at all, each entry once, in one statement. */
export async function recordReceipt(db: Db, lines: readonly ReceiptLine[]): Promise<RecordOutcome> {
  const row = await one(
    db,
    sql`SELECT books_record(${json(lines)}) AS outcome`,
    v.object({ outcome: recordOutcome }),
  );
  return row.outcome;
}

export interface Adjustment {
  readonly user: string;
  /** 1e-8 PEG; negative takes away. Not 0. */
  readonly amount: bigint;
  /** Why; it is shown to the user. */
  readonly reason: string;
  /** The administrator's name. */
  readonly madeBy: string;
}

/** Adds a correction beside the sealed books, which never change. Returns false when there is no such user. */
export async function addAdjustment(db: Db, adjustment: Adjustment): Promise<boolean> {
  const { user, amount, reason, madeBy } = adjustment;
  const added = await db.execute(sql`INSERT INTO adjustments (user_name, amount, reason, made_by)
    SELECT name, ${amount}::bigint, ${reason}, ${madeBy} FROM users WHERE name = ${user}`);
  return added === 1;
}
