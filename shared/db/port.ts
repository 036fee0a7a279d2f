/** The database port: one set of statements for PostgreSQL over `pg` (edge, standalone) and over the RDS Data API (Lambdas). */

import * as v from "valibot";
import { CodedError } from "../errors.ts";

/**
 * What may be bound. A bigint goes as decimal text: cast it in the statement (`${work}::numeric`).
 * No arrays (the Data API has none): pass lists as one JSON text and cast it (`${json(rows)}::jsonb`).
 */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null;

/** A statement with its bound values in order; `text` has `$1`, `$2`, … */
export interface Sql {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Builds a statement; every interpolated value is bound, never pasted. A nested `Sql` is spliced in. */
export function sql(strings: TemplateStringsArray, ...parts: (SqlValue | Sql)[]): Sql {
  let text = strings[0] ?? "";
  const values: SqlValue[] = [];
  parts.forEach((part, i) => {
    if (isSql(part)) {
      text += part.text.replace(/\$(\d+)/g, (_, n) => `$${Number(n) + values.length}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[i + 1] ?? "";
  });
  return { text, values };
}

function isSql(part: SqlValue | Sql): part is Sql {
  return typeof part === "object" && part !== null && "text" in part;
}

export interface ExecuteOptions {
  /** How long the answer is waited for, instead of the driver's own limit: `db-away` after that. The Data API ends every call after 45 s. */
  readonly waitMs?: number;
  /** The statement goes on where the call ends first, also over the Data API; what became of it shows the catalog. Not in a transaction. */
  readonly outlivesCall?: boolean;
}

/**
 * One database. Rows come back as text, number (int4, float8), boolean, bytes or null only: select 64-bit and numeric columns,
 * JSON and times as text (`work::text`, `extract(epoch from at)::float8`), and let the schema make them bigint or objects. The Data API
 * cannot give void: `SELECT 1 AS done FROM f()`.
 */
export interface Db {
  /** Runs one statement and parses every row. Throws CodedError: `db-away` (retry by key), `db-conflict` (unique), `db-error`. */
  query<Schema extends v.GenericSchema>(statement: Sql, row: Schema): Promise<v.InferOutput<Schema>[]>;
  /** Runs one statement for its effect. Returns the number of rows affected. */
  execute(statement: Sql, options?: ExecuteOptions): Promise<number>;
  /** True where the text of one `execute` may be several statements, as long as nothing is bound. The Data API takes one a call. */
  readonly takesScripts?: boolean;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. Prefer single statements. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Decimal text to bigint: for int8 and numeric columns selected as text. */
export const bigintText = v.pipe(
  v.string(),
  v.regex(/^-?\d+$/),
  v.transform((text) => BigInt(text)),
);

/** A bytea column. */
export const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected bytes");

/** JSON text (a jsonb column selected as text) as an object; pipe it into the schema of its contents. */
export const jsonText = v.pipe(
  v.string(),
  v.transform((text): unknown => JSON.parse(text)),
);

/** JSON with bigints as decimal strings, for binding. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
}

/** The first row, or undefined. */
export async function first<Schema extends v.GenericSchema>(
  db: Db,
  statement: Sql,
  row: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  return (await db.query(statement, row))[0];
}

/** Exactly one row; another number is a bug in the statement. */
export async function one<Schema extends v.GenericSchema>(
  db: Db,
  statement: Sql,
  row: Schema,
): Promise<v.InferOutput<Schema>> {
  const rows = await db.query(statement, row);
  const [only] = rows;
  if (only === undefined || rows.length > 1) {
    throw new CodedError("db-error", `expected one row, got ${rows.length}: ${statement.text.slice(0, 200)}`);
  }
  return only;
}
