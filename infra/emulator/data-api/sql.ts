/** Statements and results as the RDS Data API for Aurora PostgreSQL takes and gives them, over `pg`. */

import * as v from "valibot";
import { mapSqlCode, splitStatements } from "../../../shared/db/drivers/sql-text.ts";
import { DataApiFailure } from "./failure.ts";

const field = v.strictObject({
  isNull: v.optional(v.boolean()),
  booleanValue: v.optional(v.boolean()),
  longValue: v.optional(v.pipe(v.number(), v.integer())),
  doubleValue: v.optional(v.number()),
  stringValue: v.optional(v.string()),
  blobValue: v.optional(v.string()),
  arrayValue: v.optional(v.unknown()),
});
type Field = v.InferOutput<typeof field>;

export const sqlParameter = v.strictObject({
  name: v.string(),
  value: v.optional(field, {}),
  typeHint: v.optional(v.picklist(["DATE", "DECIMAL", "JSON", "TIME", "TIMESTAMP", "UUID"])),
});
export type SqlParameter = v.InferOutput<typeof sqlParameter>;

const HINTED = {
  DATE: "date",
  DECIMAL: "numeric",
  JSON: "jsonb",
  TIME: "time",
  TIMESTAMP: "timestamp",
  UUID: "uuid",
} as const;

export interface BoundSql {
  text: string;
  values: (string | number | boolean | Buffer | null)[];
}

/**
 * Turns `:name` parameters into `$n`, each with the type it has on AWS. There text stays text: no type is guessed from where it is used.
 * Throws DataApiFailure for more than one statement, an unknown parameter or an array.
 */
export function bindSql(sql: string, parameters: readonly SqlParameter[]): BoundSql {
  if (splitStatements(sql).length > 1)
    throw new DataApiFailure("ValidationException", "Multistatements aren't supported");
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const values: BoundSql["values"] = [];
  const places = new Map<string, string>();
  const text = mapSqlCode(sql, (code) =>
    code.replace(/::|:([A-Za-z_]\w*)/g, (match, name: string | undefined) => {
      if (name === undefined) return match;
      const placed = places.get(name);
      if (placed !== undefined) return placed;
      const parameter = known.get(name);
      if (parameter === undefined)
        throw new DataApiFailure("BadRequestException", `Cannot find parameter: ${name}`);
      const { value, type } = boundValue(parameter);
      values.push(value);
      const place = type === undefined ? `$${values.length}` : `$${values.length}::${type}`;
      places.set(name, place);
      return place;
    }),
  );
  return { text, values };
}

function boundValue({ name, value, typeHint }: SqlParameter): {
  value: BoundSql["values"][number];
  type: string | undefined;
} {
  if (value.arrayValue !== undefined)
    throw new DataApiFailure("BadRequestException", `Array parameters are not supported: ${name}`);
  if (value.isNull) return { value: null, type: typeHint && HINTED[typeHint] };
  if (value.booleanValue !== undefined) return { value: value.booleanValue, type: "boolean" };
  if (value.longValue !== undefined) return { value: value.longValue, type: "bigint" };
  if (value.doubleValue !== undefined) return { value: value.doubleValue, type: "double precision" };
  if (value.blobValue !== undefined) return { value: Buffer.from(value.blobValue, "base64"), type: "bytea" };
  if (value.stringValue !== undefined)
    return { value: value.stringValue, type: typeHint === undefined ? "text" : HINTED[typeHint] };
  throw new DataApiFailure("BadRequestException", `Parameter ${name} has no value`);
}

type ResultField = Pick<
  Field,
  "isNull" | "booleanValue" | "longValue" | "doubleValue" | "stringValue" | "blobValue"
> & { arrayValue?: { stringValues: string[] } };

const string = (text: string): ResultField => ({ stringValue: text });
const long = (text: string): ResultField => ({ longValue: Number(text) });
const double = (text: string): ResultField => ({ doubleValue: Number(text) });
const strings = (text: string): ResultField => ({
  arrayValue: { stringValues: text.slice(1, -1).split(",") },
});

/** The types that the service can give (its operations reference lists them), by OID. */
const RESULT_TYPES: ReadonlyMap<number, readonly [name: string, read: (text: string) => ResultField]> =
  new Map([
    [16, ["bool", (text: string): ResultField => ({ booleanValue: text === "t" })]],
    [17, ["bytea", (text: string): ResultField => ({ blobValue: bytesOf(text).toString("base64") })]],
    [20, ["int8", long]],
    [21, ["int2", long]],
    [23, ["int4", long]],
    [25, ["text", string]],
    [114, ["json", string]],
    [650, ["cidr", string]],
    [700, ["float4", double]],
    [701, ["float8", double]],
    [869, ["inet", string]],
    [1007, ["_int4", strings]],
    [1009, ["_text", strings]],
    [1016, ["_int8", strings]],
    [1042, ["bpchar", string]],
    [1043, ["varchar", string]],
    [1082, ["date", string]],
    [1083, ["time", string]],
    [1114, ["timestamp", string]],
    [1184, ["timestamptz", string]],
    [1700, ["numeric", string]],
    [2950, ["uuid", string]],
    [3802, ["jsonb", string]],
  ]);

function bytesOf(text: string): Buffer {
  return Buffer.from(text.slice(2), "hex");
}

/** A column's name for the service. Throws DataApiFailure `UnsupportedResultException` for a type it cannot give. */
export function typeNameOf(column: { name: string; dataTypeID: number }): string {
  const type = RESULT_TYPES.get(column.dataTypeID);
  if (type !== undefined) return type[0];
  throw new DataApiFailure(
    "UnsupportedResultException",
    `The result contains the unsupported data type of column ${column.name} (OID ${column.dataTypeID})`,
  );
}

/** PostgreSQL's text of a value as the service's field. */
export function fieldOf(text: string | null, oid: number): ResultField {
  if (text === null) return { isNull: true };
  return RESULT_TYPES.get(oid)?.[1](text) ?? string(text);
}

/** Bytes of a row as the database gives it. */
export function rowBytes(row: readonly (string | null)[]): number {
  return row.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)), 0);
}
