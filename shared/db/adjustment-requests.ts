/** Adjustments that wait for a second administrator (0078_payday.sql, docs/decisions/payday.md). Amounts in 1e-8 PEG. */

import * as v from "valibot";
import { logAdminAction } from "./admin-log.ts";
import { ms } from "./instants.ts";
import { type Adjustment, adjust, adjustmentRow } from "./payments.ts";
import { COMMAND_LINE } from "./payout-approvals.ts";
import { bigintText, type Db, first, one, sql } from "./port.ts";

/** More do not wait: somebody must decide first. */
export const MOST_WAITING = 100;

/** `full`: MOST_WAITING do already. `conflict`: the request id stands for another one. */
export type AskOutcome =
  | { readonly outcome: "waiting" | "known"; readonly id: bigint }
  | { readonly outcome: "unknown-user" | "conflict" | "full" };

/** Books nothing. */
export function askForAdjustment(
  db: Db,
  { user, amount, reason, madeBy, requestId }: Required<Adjustment>,
): Promise<AskOutcome> {
  return db.transaction(async (tx): Promise<AskOutcome> => {
    const before = await one(
      tx,
      sql`SELECT EXISTS (SELECT 1 FROM users WHERE name = ${user}) AS found,
        (SELECT count(*) FROM adjustment_requests WHERE decided_at IS NULL)::int AS waiting`,
      v.object({ found: v.boolean(), waiting: v.number() }),
    );
    if (!before.found) return { outcome: "unknown-user" };
    const known = await first(
      tx,
      sql`SELECT id::text AS id, (user_name = ${user} AND amount = ${amount}::bigint AND reason = ${reason} AND made_by = ${madeBy}) AS same
        FROM adjustment_requests WHERE request_id = ${requestId}`,
      v.object({ id: bigintText, same: v.boolean() }),
    );
    if (known !== undefined) return known.same ? { outcome: "known", id: known.id } : { outcome: "conflict" };
    if (before.waiting >= MOST_WAITING) return { outcome: "full" };
    const { id } = await one(
      tx,
      sql`INSERT INTO adjustment_requests (user_name, amount, reason, made_by, request_id)
        VALUES (${user}, ${amount}::bigint, ${reason}, ${madeBy}, ${requestId}) RETURNING id::text AS id`,
      v.object({ id: bigintText }),
    );
    const details = { id, amount, reason };
    await logAdminAction(tx, { actor: madeBy, action: "ask-for-adjustment", subject: user, details });
    return { outcome: "waiting", id };
  });
}

const waitingRow = v.object({
  ...adjustmentRow.entries,
  /** Of the user, now. */
  owed: bigintText,
});
export type WaitingAdjustment = v.InferOutput<typeof waitingRow>;

/** The oldest first, MOST_WAITING at most. */
export function listWaitingAdjustments(db: Db): Promise<WaitingAdjustment[]> {
  return db.query(
    sql`SELECT r.id::text AS id, r.user_name AS "user", r.amount::text AS amount, r.reason, r.made_by AS "madeBy", ${ms(sql`r.at`)} AS "atMs",
      b.owed::text AS owed FROM adjustment_requests r JOIN shown_balances b ON b.user_name = r.user_name
      WHERE r.decided_at IS NULL ORDER BY r.id LIMIT ${MOST_WAITING}::int`,
    waitingRow,
  );
}

/** `own`: who asked for it cannot confirm it. `left`: who asked for it is no administrator any more. `gone`: it does not wait. */
export type DecideOutcome = "done" | "own" | "left" | "gone";

/** Books it in the name of who asked; the log names both. */
export function confirmAdjustment(db: Db, id: bigint, by: string): Promise<DecideOutcome> {
  return db.transaction(async (tx) => {
    const asked = await lockWaiting(tx, id);
    if (asked === undefined) return "gone";
    const { user, amount, reason, madeBy } = asked;
    if (madeBy === by) return "own";
    if (!asked.isStill) return "left";
    const booked = await adjust(tx, { user, amount, reason, madeBy, requestId: `asked-${id}` });
    if (booked.outcome !== "added")
      throw new Error(`adjustment request ${id} was booked before: ${booked.outcome}`);
    await tx.execute(sql`UPDATE adjustment_requests SET decided_at = now(), decided_by = ${by}, adjustment = ${booked.id}::bigint
      WHERE id = ${id}::bigint`);
    const details = { id: booked.id, amount, reason, askedBy: madeBy };
    await logAdminAction(tx, { actor: by, action: "confirm-adjustment", subject: user, details });
    return "done";
  });
}

/** Nothing is booked; anybody among the administrators may say so, who asked for it too. */
export function withdrawAdjustment(db: Db, id: bigint, by: string): Promise<"done" | "gone"> {
  return db.transaction(async (tx) => {
    const asked = await lockWaiting(tx, id);
    if (asked === undefined) return "gone";
    const { user, amount, reason, madeBy } = asked;
    await tx.execute(
      sql`UPDATE adjustment_requests SET decided_at = now(), decided_by = ${by} WHERE id = ${id}::bigint`,
    );
    const details = { amount, reason, askedBy: madeBy };
    await logAdminAction(tx, { actor: by, action: "withdraw-adjustment", subject: user, details });
    return "done";
  });
}

const lockedRow = v.object({
  user: v.string(),
  amount: bigintText,
  reason: v.string(),
  madeBy: v.string(),
  /** An administrator, or the command line. */
  isStill: v.boolean(),
});

function lockWaiting(tx: Db, id: bigint): Promise<v.InferOutput<typeof lockedRow> | undefined> {
  return first(
    tx,
    sql`SELECT r.user_name AS "user", r.amount::text AS amount, r.reason, r.made_by AS "madeBy",
      (r.made_by = ${COMMAND_LINE} OR EXISTS (SELECT 1 FROM users u WHERE u.name = r.made_by AND u.is_admin)) AS "isStill"
      FROM adjustment_requests r WHERE r.id = ${id}::bigint AND r.decided_at IS NULL FOR UPDATE OF r`,
    lockedRow,
  );
}
