/** JSON as the reference's clients expect it: 64-bit integers as numbers with all their digits. */

export type WireValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly WireValue[]
  | { readonly [key: string]: WireValue };

/** JSON.stringify, but a bigint is written as a bare number. */
export function wireJson(value: WireValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(wireJson).join(",")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${wireJson(item)}`)
    .join(",")}}`;
}

function isList(value: object): value is readonly WireValue[] {
  return Array.isArray(value);
}
