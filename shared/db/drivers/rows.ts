/** Rows of a driver through the caller's schema. */

import * as v from "valibot";
import { CodedError } from "../../errors.ts";
import type { Sql } from "../port.ts";

/** Parses every row. Throws CodedError `db-error` naming the column that is not as expected. */
export function parseRows<Schema extends v.GenericSchema>(
  statement: Sql,
  rows: readonly unknown[],
  schema: Schema,
): v.InferOutput<Schema>[] {
  return rows.map((raw) => {
    const parsed = v.safeParse(schema, raw);
    if (parsed.success) return parsed.output;
    const path = v.getDotPath(parsed.issues[0]) ?? "row";
    throw new CodedError(
      "db-error",
      `unexpected ${path}: ${parsed.issues[0].message} in: ${statement.text.slice(0, 200)}`,
    );
  });
}
