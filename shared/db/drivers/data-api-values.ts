/** Statements, values and rows between the database port and the RDS Data API. */

import type { Field, SqlParameter } from "@aws-sdk/client-rds-data";
import * as v from "valibot";
import { CodedError } from "../../errors.ts";
import type { Sql, SqlValue } from "../port.ts";
import { mapSqlCode } from "./sql-text.ts";

const column = v.object({
  name: v.nullish(v.string()),
  label: v.nullish(v.string()),
  typeName: v.nullish(v.string()),
});
const field = v.object({
  isNull: v.nullish(v.boolean()),
  booleanValue: v.nullish(v.boolean()),
  longValue: v.nullish(v.number()),
  doubleValue: v.nullish(v.number()),
  stringValue: v.nullish(v.string()),
  blobValue: v.nullish(v.instance(Uint8Array)),
});
const answer = v.object({
  columnMetadata: v.nullish(v.array(column), []),
  records: v.nullish(v.array(v.array(field)), []),
  numberOfRecordsUpdated: v.nullish(v.number(), 0),
});
type AnswerField = v.InferOutput<typeof field>;
/** A statement's rows and columns as the service gives them. */
export type StatementAnswer = v.InferOutput<typeof answer>;

/** Throws CodedError `db-error` where the service answers in another form. */
export function parseAnswer(output: unknown): StatementAnswer {
  const parsed = v.safeParse(answer, output);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError(
    "db-error",
    `database: the Data API answered in another form: ${v.getDotPath(issue) ?? "the answer"}: ${issue.message}`,
  );
}

/** `$1` as the Data API names it: `:p1`. */
export function toNamed(text: string): string {
  return mapSqlCode(text, (code) => code.replace(/\$(\d+)/g, ":p$1"));
}

/** A bound value. A bigint is sent as decimal text with a hint, because the service turns its own integers into floats on the way. */
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
export function readRows({ columnMetadata, records }: StatementAnswer, statement: Sql): Row[] {
  const columns = columnMetadata.map(nameAndType);
  return records.map((record) => {
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

function nameAndType(column: StatementAnswer["columnMetadata"][number]): { name: string; type: string } {
  return { name: column.label ?? column.name ?? "", type: (column.typeName ?? "").toLowerCase() };
}

/** Undefined: the value cannot be given without loss. */
function readField(field: AnswerField, type: string): Row[string] | undefined {
  if (field.isNull) return null;
  const { booleanValue, blobValue, stringValue, doubleValue, longValue } = field;
  if (blobValue) return Buffer.from(blobValue);
  const value = booleanValue ?? stringValue ?? doubleValue ?? undefined;
  if (value !== undefined) return value;
  if (typeof longValue !== "number" || !Number.isSafeInteger(longValue)) return undefined;
  return type === "int8" ? longValue.toString() : longValue;
}
