/**
 * Many rows as one: each column is a text of all its values. A row of its own costs the driver and the schema many times as much, and the Data API gives
 * no more than 1 MiB an answer, and 64 KB a row. For values without a comma.
 */

import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { type Sql, sql } from "./port.ts";

/** A column's values in the order of `by`, to be parsed by a schema below; null is empty. */
export function packed(value: Sql, by: Sql): Sql {
  return sql`string_agg(COALESCE((${value})::text, ''), ',' ORDER BY ${by})`;
}

/** Without rows there is nothing to aggregate: null. */
export const packedTexts = v.pipe(
  v.nullable(v.string()),
  v.transform((text) => text?.split(",") ?? []),
);

const isNumber = (text: string): boolean => text !== "" && Number.isFinite(Number(text));
const isInteger = (text: string): boolean => /^-?\d+$/.test(text);

export const packedNumbers = v.pipe(
  packedTexts,
  v.everyItem(isNumber, "expected numbers"),
  v.transform((all) => all.map(Number)),
);

export const packedNullableNumbers = v.pipe(
  packedTexts,
  v.everyItem((text) => text === "" || isNumber(text), "expected numbers or nothing"),
  v.transform((all) => all.map((text) => (text === "" ? null : Number(text)))),
);

export const packedBigints = v.pipe(
  packedTexts,
  v.everyItem(isInteger, "expected integers"),
  v.transform((all) => all.map((text) => BigInt(text))),
);

/** Each one of a few. */
export function packedOneOf<const Option extends string | number>(
  options: readonly Option[],
): v.GenericSchema<unknown, Option[]> {
  const byText = new Map(options.map((option) => [String(option), option]));
  return v.pipe(
    packedTexts,
    v.everyItem((text) => byText.has(text), `expected one of ${options.join(", ")}`),
    v.transform((all) => all.flatMap((text) => byText.get(text) ?? [])),
  );
}

type Columns = Readonly<Record<string, readonly unknown[]>>;

/** The rows again. Throws CodedError `db-error` where the columns are of different lengths. */
export function unpacked<Of extends Columns>(columns: Of): { [Key in keyof Of]: Of[Key][number] }[] {
  const entries = Object.entries(columns);
  const length = entries[0]?.[1].length ?? 0;
  if (entries.some(([, values]) => values.length !== length))
    throw new CodedError("db-error", `expected ${length} values in each column: one of them has a comma`);
  return Array.from({ length }, (_, i) => {
    const row: Record<string, unknown> = {};
    for (const [name, values] of entries) row[name] = values[i];
    return row as { [Key in keyof Of]: Of[Key][number] };
  });
}
