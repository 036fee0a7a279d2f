/** The tables of a database, as a backup takes them: each row one line of JSON, in which PostgreSQL keeps every number exactly. */

import * as v from "valibot";
import { type Db, sql } from "../../shared/db/port.ts";

const nameRow = v.object({ name: v.string() });

/** Base tables, each after those that it refers to. */
export async function tablesInOrder(db: Db): Promise<string[]> {
  const names = await db.query(
    sql`SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
    nameRow,
  );
  const links = await db.query(
    sql`SELECT child.relname::text AS child, parent.relname::text AS parent FROM pg_constraint k
      JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
      WHERE k.contype = 'f' AND k.conrelid <> k.confrelid`,
    v.object({ child: v.string(), parent: v.string() }),
  );
  const ordered: string[] = [];
  const add = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const { child, parent } of links) if (child === name) add(parent);
    ordered.push(name);
  };
  for (const { name } of names) add(name);
  return ordered;
}

export async function sequencesOf(db: Db): Promise<{ name: string; last: string | null }[]> {
  return db.query(
    sql`SELECT sequencename::text AS name, last_value::text AS last FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`,
    v.object({ name: v.string(), last: v.nullable(v.string()) }),
  );
}

/** An identifier in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Bodies of messages are up to 48 KB. */
const PAGE_ROWS = 200;

/** Every row of a table, a page at a time, inside a transaction. */
export async function* rowsOf(tx: Db, table: string): AsyncGenerator<readonly string[], void, undefined> {
  await tx.execute({
    text: `DECLARE rows NO SCROLL CURSOR FOR SELECT to_jsonb(t)::text AS row FROM ${quoted(table)} t`,
    values: [],
  });
  for (;;) {
    const page = await tx.query(
      { text: `FETCH ${PAGE_ROWS} FROM rows`, values: [] },
      v.object({ row: v.string() }),
    );
    if (page.length === 0) break;
    yield page.map(({ row }) => row);
  }
  await tx.execute({ text: "CLOSE rows", values: [] });
}

export async function insertRows(tx: Db, table: string, rows: readonly string[]): Promise<void> {
  const name = quoted(table);
  await tx.execute({
    text: `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb)`,
    values: [`[${rows.join(",")}]`],
  });
}
