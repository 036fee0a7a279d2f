/**
 * The tables of the Go pool (prosper-pool: authentication/auth.go, accounting/share.go, accounting/pay.go), as gorm makes them. What it owes is the sum
 * of `user_owed_payouts` less the sum of `paids`, both by the user's name (accounting/pay.go, CalculatePayments). Nothing is written there.
 */

import * as v from "valibot";
import { bigintText, type Db, sql } from "../../../shared/db/port.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";

const userRow = v.object({ name: v.string(), address: v.string(), isAdmin: v.boolean() });
const earnedRow = v.object({ user: v.string(), amount: bigintText, lastBlock: v.number() });
const paidRow = v.object({
  entryHash: v.string(),
  user: v.string(),
  address: v.string(),
  amount: bigintText,
});

export interface GoPool {
  /** In the order of registration; a name may stand twice, since no index forbids it. `address` "": none. */
  readonly users: readonly v.InferOutput<typeof userRow>[];
  /** By user, 1e-8 PEG. Also of names that never registered: the Go pool lets them mine where `requireauth` is off. */
  readonly earned: readonly v.InferOutput<typeof earnedRow>[];
  /** In the order in which they were recorded. */
  readonly paid: readonly v.InferOutput<typeof paidRow>[];
}

/** All as it was at one moment. Throws CodedError `go-pool`: not reached, or no such tables. */
export async function readGoPool(db: Db): Promise<GoPool> {
  try {
    return await db.transaction(async (tx) => {
      await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`);
      return {
        users: await tx.query(
          sql`SELECT COALESCE(uid, '') AS name, COALESCE(payout_address, '') AS address, COALESCE(role, '') = 'admin' AS "isAdmin"
            FROM users WHERE deleted_at IS NULL ORDER BY id`,
          userRow,
        ),
        earned: await tx.query(
          sql`SELECT user_id AS "user", COALESCE(sum(payout), 0)::text AS amount, max(job_id)::int AS "lastBlock"
            FROM user_owed_payouts GROUP BY user_id ORDER BY user_id`,
          earnedRow,
        ),
        paid: await tx.query(
          sql`SELECT COALESCE(entry_hash, '') AS "entryHash", COALESCE(user_id, '') AS "user", COALESCE(payout_address, '') AS address,
            COALESCE(payment_amount, 0)::text AS amount FROM paids ORDER BY id`,
          paidRow,
        ),
      };
    });
  } catch (thrown) {
    throw new CodedError(
      "go-pool",
      `the Go pool's tables cannot be read: ${coerceError(thrown).message}; --from is the address of its PostgreSQL, with the name of its database`,
      { cause: thrown },
    );
  }
}
