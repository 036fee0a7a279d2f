/** What statements cost: how PostgreSQL runs each that a call sends. */

import * as v from "valibot";
import type { Db, Sql } from "../../shared/db/port.ts";

/** The statements that `run` sends over the database that it is handed. */
export async function statementsOf(db: Db, run: (db: Db) => Promise<unknown>): Promise<Sql[]> {
  const sent: Sql[] = [];
  await run({
    ...db,
    query(statement, row) {
      sent.push(statement);
      return db.query(statement, row);
    },
    execute(statement, options) {
      sent.push(statement);
      return db.execute(statement, options);
    },
  });
  return sent;
}

const line = v.object({ "QUERY PLAN": v.string() });

/**
 * The plan as PostgreSQL ran it, a line a node; what the statement changes is taken back. With `large` it reads a whole table only where it has no
 * other way, as it would a large one.
 */
export async function planOf(
  db: Db,
  { text, values }: Sql,
  { large = false }: { readonly large?: boolean } = {},
): Promise<string> {
  let plan = "";
  const undo = new Error("taken back");
  await db
    .transaction(async (tx) => {
      if (large) await tx.execute({ text: "SET LOCAL enable_seqscan = off", values: [] });
      const rows = await tx.query(
        { text: `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${text}`, values },
        line,
      );
      plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  return plan;
}

/** Rows that the nodes of a plan read from tables and indexes, those that were filtered away too. */
export function rowsRead(plan: string): number {
  let sum = 0;
  let loops = 1;
  for (const text of plan.split("\n")) {
    const node = /Scan.*\(actual rows=([\d.]+) loops=(\d+)\)/.exec(text);
    if (node !== null) {
      loops = Number(node[2]);
      sum += Number(node[1]) * loops;
    }
    const removed = /Rows Removed by (?:Filter|Index Recheck): (\d+)/.exec(text);
    if (removed !== null) sum += Number(removed[1]) * loops;
  }
  return sum;
}

/** The most rows that one node of a plan read of each table, those that were filtered away too. */
export function mostRowsRead(plan: string): Map<string, number> {
  const most = new Map<string, number>();
  let node: { table: string; rows: number; loops: number } | undefined;
  for (const text of plan.split("\n")) {
    const scan = /Scan(?: Backward)?(?: using \S+)? on (\w+).*\(actual rows=([\d.]+) loops=(\d+)\)/.exec(
      text,
    );
    if (scan !== null) {
      const [, table = "", rows, loops] = scan;
      node = { table, rows: Number(rows) * Number(loops), loops: Number(loops) };
    } else if (text.includes("->")) node = undefined;
    const removed = /Rows Removed by (?:Filter|Index Recheck): (\d+)/.exec(text);
    if (node === undefined) continue;
    if (removed !== null) node.rows += Number(removed[1]) * node.loops;
    most.set(node.table, Math.max(most.get(node.table) ?? 0, node.rows));
  }
  return most;
}
