/** One table in memory for all threads of the process, and who holds which region of scratch beside it. */

import { CodedError } from "../errors.ts";
import { advisePages, WORTH_BYTES } from "./huge-pages.ts";
import { PAGE_BYTES, REGION_BYTES, REGIONS, TABLE_OFFSET } from "./kernel/layout.ts";
import { allocateMemory, type SharedMemory } from "./kernel/wasm.ts";
import { MAX_BITS, MIN_BITS } from "./lxr.ts";

/** Can be posted to a worker thread as it is: the memory is shared, not copied. */
export interface SharedTable {
  readonly memory: SharedMemory;
  /** The table has 2^bits bytes. */
  readonly bits: number;
  /** Path of the native kernel's library, if there is one that passed its check; else WebAssembly hashes. */
  readonly library?: string | undefined;
  /** Path by which other processes of this machine have the same table (table-memory.ts). */
  readonly file?: string | undefined;
}

/** Throws RangeError unless `bits` is a size of table that the kernel can hash with. */
export function checkBits(bits: number): void {
  if (!Number.isInteger(bits) || bits < MIN_BITS || bits > MAX_BITS)
    throw new RangeError(
      `the LXR table's size is a whole number of bits from ${MIN_BITS} to ${MAX_BITS}, got ${bits}`,
    );
}

/** Memory for a table of 2^bits bytes, all zero yet, on huge pages where the system has them and they are wanted. Throws CodedError "lxr-no-memory". */
export function allocateTable(bits: number, { huge = true } = {}): SharedTable {
  checkBits(bits);
  const bytes = TABLE_OFFSET + 2 ** bits;
  try {
    const memory = allocateMemory(Math.ceil(bytes / PAGE_BYTES));
    if (2 ** bits >= WORTH_BYTES) advisePages(memory, { huge });
    return { memory, bits };
  } catch (cause) {
    throw new CodedError(
      "lxr-no-memory",
      `the LXR table of ${bits} bits needs ${bytes >> 20} MiB of memory and the machine does not give them: free some, or raise the limit`,
      { cause, data: { bits, bytes } },
    );
  }
}

/** The table's own bytes, as a view. */
export function tableBytes(table: SharedTable): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(table.memory.buffer, TABLE_OFFSET, 2 ** table.bits);
}

/** Takes a free region of scratch, for one thread (or one kernel) alone. Throws CodedError "lxr-no-region" when all 63 are taken. */
export function claimRegion(table: SharedTable): number {
  const taken = takenRegions(table);
  for (let region = 1; region < REGIONS; region++) {
    if (Atomics.compareExchange(taken, region, 0, 1) === 0) return region;
  }
  throw new CodedError(
    "lxr-no-region",
    `all ${REGIONS - 1} scratch regions of the LXR table are taken: run fewer hashing threads`,
  );
}

/** Gives back a region whose thread is gone. */
export function releaseRegion(table: SharedTable, region: number): void {
  Atomics.store(takenRegions(table), region, 0);
}

function takenRegions(table: SharedTable): Int32Array {
  return new Int32Array(table.memory.buffer, 0, REGION_BYTES / Int32Array.BYTES_PER_ELEMENT);
}
