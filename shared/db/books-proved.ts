/** The row that says how far the books were proved (shared/audit/prove.ts). */

import * as v from "valibot";
import { type Db, one, sql } from "./port.ts";

const provedRow = v.object({
  /** Every sealed block up to this height was proved; -1: none. */
  through: v.number(),
  /** Seconds since no sealed block was left to prove, by the database's clock; null: never. */
  ageSeconds: v.nullable(v.number()),
  /** Second looks have come to this height; -1: they begin anew. */
  again: v.number(),
  /** Seconds since they last came to the end; null: never. */
  againAgeSeconds: v.nullable(v.number()),
});

export type BooksProved = v.InferOutput<typeof provedRow>;

export function readProved(db: Db): Promise<BooksProved> {
  return one(
    db,
    sql`SELECT through, again, extract(epoch FROM clock_timestamp() - proved_at)::float8 AS "ageSeconds",
      extract(epoch FROM clock_timestamp() - again_at)::float8 AS "againAgeSeconds" FROM books_proved`,
    provedRow,
  );
}

/** Blocks above `after` were proved, up to `through`. Does nothing where another process was first. */
export async function addProved(db: Db, after: number, through: number): Promise<void> {
  await db.execute(
    sql`UPDATE books_proved SET through = ${through}::int WHERE through = ${after}::int AND ${through}::int > ${after}::int`,
  );
}

/** Nothing that was sealed is left to prove. */
export async function markProved(db: Db): Promise<void> {
  await db.execute(sql`UPDATE books_proved SET proved_at = clock_timestamp()`);
}

/** Second looks have come from `after` to `through`; `isEnd`: to the last one that was proved, so that they begin anew. */
export async function lookedAgain(db: Db, after: number, through: number, isEnd: boolean): Promise<void> {
  await db.execute(sql`UPDATE books_proved SET again = ${isEnd ? -1 : through}::int,
    again_at = CASE WHEN ${isEnd}::boolean THEN clock_timestamp() ELSE again_at END WHERE again = ${after}::int`);
}
