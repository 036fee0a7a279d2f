/** Statements, values and rows between the database port and the RDS Data API. */

import type {
  ColumnMetadata,
  ExecuteStatementCommandOutput,
  Field,
  SqlParameter,
} from "@aws-sdk/client-rds-data";
import { CodedError } from "../errors.ts";
import type { Sql, SqlValue } from "./port.ts";
import { mapSqlCode } from "./sql-text.ts";

/** `$1` as the Data API names it: `:p1`. */
export function toNamed(text: string): string {
  return mapSqlCode(text, (code) => code.replace(/\$(\d+)/g, ":p$1"));
}

/** A bound value. A bigint goes as decimal text with a hint: the service's own integers pass through floats on the way. */
export function toParameter(value: SqlValue, index: number): SqlParameter {
  const name = `p${index + 1}`;
  if (typeof value === "bigint")
    return { name, value: { stringValue: value.toString() }, typeHint: "DECIMAL" };
  return { name, value: toField(value) };
}

function toField(value: Exclude<SqlValue, bigint>): Field {
  if (value === null) return { isNull: true };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { booleanValue: value };
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { longValue: value } : { doubleValue: value };
  return { blobValue: value };
}

type Row = Record<string, string | number | boolean | Uint8Array | null>;

/** The rows as the `pg` driver gives them. Throws CodedError `db-error` for a column that would lose digits or is an array. */
export function readRows(output: ExecuteStatementCommandOutput, statement: Sql): Row[] {
  const columns = (output.columnMetadata ?? []).map(nameAndType);
  return (output.records ?? []).map((record) => {
    const row: Row = {};
    columns.forEach(({ name, type }, i) => {
      const field = record[i];
      const value = field === undefined ? undefined : readField(field, type);
      if (value === undefined)
        throw new CodedError(
          "db-error",
          `column ${name} is ${type}: select it as text (${name}::text) in: ${statement.text.slice(0, 200)}`,
        );
      row[name] = value;
    });
    return row;
  });
}

function nameAndType(column: ColumnMetadata): { name: string; type: string } {
  return { name: column.label ?? column.name ?? "", type: (column.typeName ?? "").toLowerCase() };
}

/** Undefined: it cannot be given faithfully. */
function readField(field: Field, type: string): Row[string] | undefined {
  if (field.isNull) return null;
  if (field.booleanValue !== undefined) return field.booleanValue;
  if (field.blobValue !== undefined) return Buffer.from(field.blobValue);
  if (field.stringValue !== undefined) return field.stringValue;
  if (field.doubleValue !== undefined) return field.doubleValue;
  const { longValue } = field;
  if (longValue === undefined || !Number.isSafeInteger(longValue)) return undefined;
  return type === "int8" ? longValue.toString() : longValue;
}
