/** How a pool tells the size of its LXR table: one more entry in the answer to mining.subscribe, which the Go miner passes over (STRATUM.md, S1). */

import * as v from "valibot";

const TYPE = "prosper.table_bits";

const entry = v.object({
  type: v.literal(TYPE),
  id: v.pipe(v.string(), v.regex(/^\d{1,2}$/), v.transform(Number), v.minValue(8), v.maxValue(30)),
});

export function tableBitsEntry(bits: number): { readonly type: string; readonly id: string } {
  return { type: TYPE, id: String(bits) };
}

/** From the answer's entries; undefined where the pool does not tell. */
export function tableBitsIn(entries: readonly unknown[]): number | undefined {
  for (const each of entries) {
    const parsed = v.safeParse(entry, each);
    if (parsed.success) return parsed.output.id;
  }
  return undefined;
}
