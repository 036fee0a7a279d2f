/** Who agrees to a payout before it may be sent (0078_payday.sql, docs/decisions/payday.md). */

import * as v from "valibot";
import { logAdminAction } from "./admin-log.ts";
import { type Db, first, sql } from "./port.ts";

/** As it stands in the table: no user's name has a space. */
export const COMMAND_LINE = "command line";
/** Where the setting pool.twoadministrators is on. */
export const TWO = 2;

export interface Approvals {
  readonly needed: number;
  /** Who prepared it comes first. Only who is an administrator still, and the command line. */
  readonly by: readonly string[];
}

export async function readApprovals(db: Db, batch: string): Promise<Approvals> {
  const rows = await db.query(
    sql`SELECT b.approvals_needed AS needed, a.who FROM payout_batches b LEFT JOIN (payout_approvals a
        JOIN (SELECT name FROM users WHERE is_admin UNION ALL SELECT ${COMMAND_LINE}) p ON p.name = a.who) ON a.batch = b.id
      WHERE b.id = ${batch} ORDER BY a.at, a.who`,
    v.object({ needed: v.number(), who: v.nullable(v.string()) }),
  );
  return { needed: rows[0]?.needed ?? 0, by: rows.flatMap(({ who }) => who ?? []) };
}

/** Whoever prepares first agrees by it; preparing the same list again is no agreement. `by` undefined: the schedule, which is nobody. */
export async function recordPreparer(
  tx: Db,
  batch: string,
  { by, needed }: { readonly by: string | undefined; readonly needed: number },
): Promise<void> {
  await tx.execute(sql`UPDATE payout_batches SET approvals_needed = ${needed}::int
    WHERE id = ${batch} AND approvals_needed < ${needed}::int`);
  if (by !== undefined)
    await tx.execute(sql`INSERT INTO payout_approvals (batch, who) SELECT ${batch}::text, ${by}::text
      WHERE NOT EXISTS (SELECT 1 FROM payout_approvals WHERE batch = ${batch})`);
}

/** `again`: this one has agreed before, as who prepared it has. `gone`: no such payout waits to be sent. */
export type ApprovalOutcome = "approved" | "again" | "gone";

export function approvePayout(db: Db, batch: string, by: string): Promise<ApprovalOutcome> {
  return db.transaction(async (tx) => {
    const waiting = await first(
      tx,
      sql`SELECT total::text AS total FROM payout_batches WHERE id = ${batch} AND state IN ('prepared', 'replaced')`,
      v.object({ total: v.string() }),
    );
    if (waiting === undefined) return "gone";
    const added = await tx.execute(sql`INSERT INTO payout_approvals (batch, who) VALUES (${batch}, ${by})
      ON CONFLICT DO NOTHING`);
    if (added === 0) return "again";
    await logAdminAction(tx, { actor: by, action: "approve-payout", subject: batch, details: waiting });
    return "approved";
  });
}
