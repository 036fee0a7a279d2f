/** Who is owed what, receipts and adjustments (docs/spec.md, "Payments"): owed = booked + adjusted − paid out. */

import * as v from "valibot";
import { duePayments, type PaymentList, type UserBalance } from "../accounting/payments.ts";
import { bigintText, type Db, first, json, jsonText, one, sql } from "./port.ts";

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

/** What one user is owed, 1e-8 PEG; undefined: there is no such user. */
export async function owedTo(db: Db, user: string): Promise<bigint | undefined> {
  const row = await first(
    db,
    sql`SELECT owed::text AS owed FROM balances WHERE user_name = ${user}`,
    v.object({ owed: bigintText }),
  );
  return row?.owed;
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
    /** `booked` entries are new, `known` ones were booked before with exactly the same lines. */
    v.object({ outcome: v.literal("recorded"), booked: v.number(), known: v.number() }),
    /** The entry is booked with other lines. */
    v.object({ outcome: v.literal("conflict"), entryHash: v.string() }),
    v.object({ outcome: v.literal("unknown-user"), user: v.string() }),
    v.object({ outcome: v.literal("exceeds"), user: v.string(), owed: bigintText, amount: bigintText }),
  ]),
);
/** All but `recorded` have booked nothing. */
export type RecordOutcome = v.InferOutput<typeof recordOutcome>;

/** Books all of a receipt or nothing, each entry once, in one statement. */
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
  /** Identifies the request: sent again with the same id, it is booked once. */
  readonly requestId?: string;
}

const adjustOutcome = v.pipe(
  jsonText,
  v.variant("outcome", [
    v.object({ outcome: v.literal("added"), id: bigintText }),
    /** Booked before under this request id. */
    v.object({ outcome: v.literal("known"), id: bigintText }),
    v.object({ outcome: v.literal("unknown-user") }),
    /** The request id stands for another adjustment. */
    v.object({ outcome: v.literal("conflict") }),
  ]),
);
/** All but `added` have changed nothing. */
export type AdjustOutcome = v.InferOutput<typeof adjustOutcome>;

/** Adds a correction beside the sealed books, which never change, and logs who made it, in one statement. */
export async function adjust(db: Db, adjustment: Adjustment): Promise<AdjustOutcome> {
  const { user, amount, reason, madeBy, requestId = null } = adjustment;
  const row = await one(
    db,
    sql`SELECT books_adjust(${json({ user, amount, reason, madeBy, requestId })}) AS outcome`,
    v.object({ outcome: adjustOutcome }),
  );
  return row.outcome;
}

export const adjustmentRow = v.object({
  id: bigintText,
  user: v.string(),
  amount: bigintText,
  reason: v.string(),
  madeBy: v.string(),
  atMs: v.number(),
});
export type AdjustmentListing = v.InferOutput<typeof adjustmentRow>;

/** The newest first. */
export function listAdjustments(db: Db, limit: number): Promise<AdjustmentListing[]> {
  return db.query(
    sql`SELECT id::text AS id, user_name AS "user", amount::text AS amount, reason, made_by AS "madeBy",
      extract(epoch FROM at)::float8 * 1000 AS "atMs" FROM adjustments ORDER BY adjustments.id DESC LIMIT ${limit}::int`,
    adjustmentRow,
  );
}
