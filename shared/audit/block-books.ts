/** The hash over one sealed block's books that goes to the chain (docs/proofs.md, "Roots on the chain"). */

import * as v from "valibot";
import { bigintText, type Db, first, sql } from "../db/port.ts";
import type { ChainRoot } from "../proofs/root-entry.ts";
import { BooksHash } from "./books-hash.ts";

const blockRow = v.object({
  height: v.number(),
  rate: v.nullable(bigintText),
  split: v.nullable(v.string()),
  credit: v.nullable(v.string()),
  ...{ reward: bigintText, carriedIn: bigintText, fee: bigintText, paid: bigintText, carried: bigintText },
  root: v.string(),
  attempt: v.string(),
});
const payoutRow = v.object({ user: v.string(), shares: bigintText, work: bigintText, amount: bigintText });

const PAGE = 5_000;

/** The block as its entry tells of it, from the tables; undefined while it is not sealed. Pages of payouts: memory does not grow with them. */
export async function chainRootOf(db: Db, height: number): Promise<ChainRoot | undefined> {
  const block = await first(
    db,
    sql`SELECT height, (fee_rate * 100000000)::bigint::text AS rate, split, credit, reward::text AS reward, carried_in::text AS "carriedIn",
      fee::text AS fee, paid::text AS paid, carried::text AS carried, root, attempt
      FROM jobs WHERE height = ${height}::int AND state = 'sealed'`,
    blockRow,
  );
  if (block === undefined) return undefined;
  const { rate, split, credit, root, reward, carriedIn, fee, paid, carried, attempt } = block;
  const hash = new BooksHash();
  hash.line("block", height, rate, split, credit, reward, carriedIn, fee, paid, carried, root);
  for (let after = ""; ; ) {
    const payouts = await db.query(
      sql`SELECT user_name AS "user", shares::text AS shares, work::text AS work, amount::text AS amount FROM payouts
        WHERE job = ${height}::int AND payouts.attempt = ${attempt} AND user_name COLLATE "C" > ${after}
        ORDER BY user_name COLLATE "C" LIMIT ${PAGE}::int`,
      payoutRow,
    );
    for (const { user, shares, work, amount } of payouts)
      hash.line("payout", height, user, shares, work, amount);
    after = payouts.at(-1)?.user ?? "";
    if (payouts.length < PAGE) break;
  }
  return { height, root, reward, carriedIn, fee, paid, carried, books: hash.hex() };
}
