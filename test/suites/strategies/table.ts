/** True LXR hashes over a small table, for games of few hashes. */

import { concat, u32ToBytes } from "../../../shared/bytes.ts";
import { targetOfWork } from "../../../shared/difficulty/work.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { LXR_PASSES, LXR_SEED } from "../../../shared/hash/lxr.ts";
import { allocateTable, claimRegion } from "../../../shared/hash/shared-table.ts";
import type { Luck } from "./mixer.ts";

/** Makes a table of 2^bits bytes. */
export function tableLuck(bits: number): Luck {
  const table = allocateTable(bits);
  const kernel = new LxrKernel(table, claimRegion(table));
  kernel.generateTable(LXR_SEED, LXR_PASSES, () => undefined);
  return {
    hasher: {
      bits,
      hash: async (inputs) => kernel.hashBatch(inputs),
      canAcceptWork: () => true,
      close: async () => undefined,
    },
    search(oprHash, prefix, { from, count, worth }) {
      const least = targetOfWork(worth);
      const head = concat(oprHash, u32ToBytes(prefix));
      const hits: { counter: number; reached: bigint }[] = [];
      const all = count === 0 ? [] : kernel.search({ prefix: head, start: from, suffixBytes: 4, count });
      for (const [index, reached] of all.entries())
        if (reached >= least) hits.push({ counter: from + index, reached });
      return hits;
    },
  };
}
