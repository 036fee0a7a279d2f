/** LXR hashes over a small table in this thread, for tests that need true difficulties and no speed. */

import type { Hasher, NonceSearch } from "../../../shared/hash/hasher.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { LXR_PASSES, LXR_SEED } from "../../../shared/hash/lxr.ts";
import { allocateTable, claimRegion } from "../../../shared/hash/shared-table.ts";

/** A hasher that also tells how many inputs it was given. */
export interface CountingHasher extends Hasher, NonceSearch {
  hashed(): number;
}

/** Makes a table of 2^bits bytes: keep to 16 bits and less. */
export function smallHasher(bits: number): CountingHasher {
  const table = allocateTable(bits);
  const kernel = new LxrKernel(table, claimRegion(table));
  kernel.generateTable(LXR_SEED, LXR_PASSES, () => undefined);
  let hashed = 0;
  return {
    bits,
    hash: async (inputs) => {
      hashed += inputs.length;
      return kernel.hashBatch(inputs);
    },
    search: async (range) => {
      hashed += range.count;
      return kernel.search(range);
    },
    canAcceptWork: () => true,
    close: async () => undefined,
    hashed: () => hashed,
  };
}
