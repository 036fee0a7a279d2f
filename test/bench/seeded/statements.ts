/** What each statement took inside PostgreSQL, by its own module pg_stat_statements: without the driver and the way there. */

import * as v from "valibot";
import { type Db, sql } from "../../../shared/db/port.ts";
import type { BooksUnderTest } from "../books.ts";

const row = v.object({ text: v.string(), calls: v.number(), maxMs: v.number(), meanMs: v.number() });
/** Milliseconds of its execution. */
export type StatementTime = v.InferOutput<typeof row>;

/** Takes a restart of the server. */
export async function watchStatements(books: BooksUnderTest): Promise<void> {
  await books.db.execute(sql`ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
  await books.restart();
  await books.db.execute(sql`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`);
}

/** Since the last call; the slowest first. */
export async function statementTimes(db: Db): Promise<StatementTime[]> {
  const rows = await db.query(
    sql`SELECT query AS text, calls::int AS calls, max_exec_time AS "maxMs", mean_exec_time AS "meanMs" FROM pg_stat_statements s
      JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND s.toplevel ORDER BY max_exec_time DESC`,
    row,
  );
  await db.execute(sql`SELECT 1 FROM pg_stat_statements_reset()`);
  return rows;
}
