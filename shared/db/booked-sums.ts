/**
 * What blocks have booked to each user, kept so that no page adds up every payout there ever was: the view `shown_balances` begins from it
 * (0092_large_pool.sql). Where a sum is missing or old, the view adds what is behind it. Nothing is paid by it.
 */

import { type Db, sql } from "./port.ts";

/** Users of one run, ten minutes after the last: 7,200 in six hours. */
const USERS = 200;
/** A sum is brought up to date when so many blocks are behind it: six hours. */
const BLOCKS = 36;

/** Brings some users' sums up to date, those longest behind first. Resolves to how many. */
export function keepBookedSums(db: Db, users = USERS): Promise<number> {
  return db.execute(sql`INSERT INTO booked_sums AS k (user_name, through, amount)
    SELECT d.name, d.height, d.amount + COALESCE((SELECT sum(p.amount) FROM payouts p WHERE p.user_name = d.name
      AND p.job > COALESCE(d.through, -1) AND p.job <= d.height), 0)
    FROM (
      SELECT u.name, s.through, COALESCE(s.amount, 0) AS amount, h.height
      FROM (SELECT COALESCE((SELECT min(height) FROM jobs WHERE state <> 'sealed') - 1, (SELECT max(height) FROM jobs), -1) AS height) h,
        users u LEFT JOIN booked_sums s ON s.user_name = u.name
      WHERE COALESCE(s.through, -1) < h.height - ${BLOCKS}::int ORDER BY s.through NULLS FIRST, u.name LIMIT ${users}::int) d
    ON CONFLICT (user_name) DO UPDATE SET through = excluded.through, amount = excluded.amount WHERE k.through < excluded.through`);
}
