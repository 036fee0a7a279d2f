/** Reads the golden vectors (their conventions are in test/support/vectors/README.md). */

import { readFileSync } from "node:fs";
import * as v from "valibot";

/** A double of the vectors: the bits decide, the decimal is for readers. NaN payloads do not occur. */
export const float = v.pipe(
  v.object({ v: v.string(), bits: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)) }),
  v.transform(({ bits }) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    return view.getFloat64(0);
  }),
);

/** A decimal string as bigint. */
export const decimal = v.pipe(
  v.string(),
  v.regex(/^-?\d+$/),
  v.transform((text) => BigInt(text)),
);

/** A hex string as bigint. */
export const hexInteger = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]+$/),
  v.transform((text) => BigInt(`0x${text}`)),
);

/** The raw cases of a vector file. */
export function readCases(file: string): { kind: string }[] {
  const text = readFileSync(new URL(`./vectors/${file}`, import.meta.url), "utf8");
  return v.parse(v.object({ cases: v.array(v.looseObject({ kind: v.string() })) }), JSON.parse(text)).cases;
}

/** The cases of one kind, parsed. */
export function casesOf<Schema extends v.GenericSchema>(
  cases: readonly { kind: string }[],
  kind: string,
  schema: Schema,
): v.InferOutput<Schema>[] {
  return cases.filter((item) => item.kind === kind).map((item) => v.parse(schema, item));
}
