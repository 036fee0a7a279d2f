/** What statements write and read, in the units that Aurora bills: redo log by 4 KB and commit, pages of 8 KB that are not in memory. */

import * as v from "valibot";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";

const LOG_UNIT = 4096;

export async function walBytes(db: Db): Promise<number> {
  const { at } = await one(
    db,
    sql`SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 AS at`,
    v.object({ at: v.number() }),
  );
  return at;
}

export interface Calls {
  /** What would be calls of the Data API. */
  made: number;
  /** What wrote something, and its log in units of 4 KB, each rounded up; only where it is asked for, since it costs a statement each. */
  commits: number;
  writes: number;
}

/** Nobody else writes meanwhile. */
export function counted(db: Db, calls: Calls, options: { readonly writes: boolean }): Db {
  const committed = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!options.writes) return work();
    const before = await walBytes(db);
    const result = await work();
    const units = Math.ceil(((await walBytes(db)) - before) / LOG_UNIT);
    calls.writes += units;
    if (units > 0) calls.commits++;
    return result;
  };
  const calling = (inner: Db): Pick<Db, "query" | "execute"> => ({
    query: (statement, row) => {
      calls.made++;
      return inner.query(statement, row);
    },
    execute: (statement, more) => {
      calls.made++;
      return inner.execute(statement, more);
    },
  });
  const outside = calling(db);
  return {
    ...db,
    query: (statement, row) => committed(() => outside.query(statement, row)),
    execute: (statement, more) => committed(() => outside.execute(statement, more)),
    transaction: (work) => {
      calls.made += 2;
      return committed(() => db.transaction((inside) => work({ ...inside, ...calling(inside) })));
    },
  };
}

const row = v.object({ read: v.number() });

/** Pages that `work` had to read, on a connection of its own: what it counts is told when it ends. */
export async function pagesRead(url: string, work: (db: Db) => Promise<unknown>): Promise<number> {
  const watch = openPg({ url, size: 1 });
  const told = async (): Promise<number> => {
    await watch.execute(sql`SELECT pg_stat_clear_snapshot()`);
    const read = sql`SELECT blks_read::float8 AS read FROM pg_stat_database WHERE datname = current_database()`;
    return (await one(watch, read, row)).read;
  };
  const before = await told();
  const db = openPg({ url, size: 1, timeoutMs: 600_000 });
  await work(db);
  await db.close();
  // A server that ends tells after its client is gone.
  for (let last = -1; ; ) {
    const now = await told();
    if (now === last) {
      await watch.close();
      return now - before;
    }
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
