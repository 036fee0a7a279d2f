/** A small LXR table made in memory, for tests that need threads of their own over it. */

import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { LXR_PASSES, LXR_SEED } from "../../../shared/hash/lxr.ts";
import {
  allocateTable,
  claimRegion,
  releaseRegion,
  type SharedTable,
} from "../../../shared/hash/shared-table.ts";

/** Keep to 16 bits and less. */
export function smallTable(bits: number): SharedTable {
  const table = allocateTable(bits);
  const region = claimRegion(table);
  new LxrKernel(table, region).generateTable(LXR_SEED, LXR_PASSES, () => undefined);
  releaseRegion(table, region);
  return table;
}
