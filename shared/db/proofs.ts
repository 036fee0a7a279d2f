/** What a proof of a sealed block is made from, beside its leaves. */

import * as v from "valibot";
import { bigintText, type Db, first, sql } from "./port.ts";

const sealedBooks = v.object({
  root: v.string(),
  reward: v.string(),
  carriedIn: v.string(),
  fee: v.string(),
  paid: v.string(),
  carried: v.string(),
  /** What the block booked to the user; null where nothing was. */
  amount: v.nullable(bigintText),
});
export type SealedBooks = v.InferOutput<typeof sealedBooks>;

/** Undefined while the block is not sealed. Money in 1e-8 PEG. */
export function sealedBooksOf(db: Db, height: number, user: string): Promise<SealedBooks | undefined> {
  return first(
    db,
    sql`SELECT j.root, j.reward::text AS reward, j.carried_in::text AS "carriedIn", j.fee::text AS fee, j.paid::text AS paid,
      j.carried::text AS carried, p.amount::text AS amount
      FROM jobs j LEFT JOIN payouts p ON p.job = j.height AND p.attempt = j.attempt AND p.user_name = ${user}
      WHERE j.height = ${height}::int AND j.state = 'sealed'`,
    sealedBooks,
  );
}
