/** Where the counting worker leaves the sizes of its batches: in a part of the table's memory that nothing else uses. */

import type { SharedTable } from "../../../../shared/hash/shared-table.ts";

/** Behind the record of taken regions, in region 0. */
const OFFSET = 8192;

/** The first number counts the batches, the others are their sizes. */
export function batchNotes(table: SharedTable): Int32Array {
  return new Int32Array(table.memory.buffer, OFFSET, 1000);
}
