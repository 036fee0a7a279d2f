/** Small tables and the reference's vectors, for the tests of hashing. */

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { fromHex } from "../../../shared/bytes.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { LXR_PASSES, LXR_SEED } from "../../../shared/hash/lxr.ts";
import {
  allocateTable,
  claimRegion,
  releaseRegion,
  type SharedTable,
} from "../../../shared/hash/shared-table.ts";

const hex = v.pipe(v.string(), v.hexadecimal());
const bytes = v.pipe(
  v.string(),
  v.transform((text) => fromHex(text)),
);

const Vectors = v.object({
  cases: v.array(
    v.object({
      bits: v.number(),
      tableSha256: hex,
      tableFirst64: hex,
      tableLast64: hex,
      inputs: v.array(v.object({ input: bytes, hash: hex, difficulty: v.pipe(v.string(), v.digits()) })),
    }),
  ),
  smallTables: v.array(
    v.object({
      bits: v.number(),
      passes: v.number(),
      seed: hex,
      sha256: hex,
      table: v.optional(hex),
    }),
  ),
});

export const VECTORS = v.parse(
  Vectors,
  JSON.parse(readFileSync(new URL("../vectors/lxrhash.json", import.meta.url), "utf8")),
);

/** A table made in this thread by the kernel. */
export function makeTable(bits: number, seed = LXR_SEED, passes = LXR_PASSES): SharedTable {
  const table = allocateTable(bits);
  const region = claimRegion(table);
  new LxrKernel(table, region).generateTable(seed, passes, () => undefined);
  releaseRegion(table, region);
  return table;
}
