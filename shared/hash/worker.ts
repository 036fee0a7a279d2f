/** A hashing thread of the pool: a batch of inputs comes in, their hashes go out. */

import { parentPort, workerData } from "node:worker_threads";
import { concat } from "../bytes.ts";
import { LxrKernel } from "./kernel.ts";
import type { SharedTable } from "./shared-table.ts";

/** What the thread is started with. */
export interface HashTask {
  readonly table: SharedTable;
  readonly region: number;
}

/** Inputs one after the other: as arrays of their own each would drag along the buffer that it is a view of. */
export interface HashBatch {
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array;
}

const { table, region }: HashTask = workerData;
const kernel = new LxrKernel(table, region);

parentPort?.on("message", ({ lengths, bytes }: HashBatch) => {
  let at = 0;
  const inputs = lengths.map((length) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
  parentPort?.postMessage(concat(...kernel.hashBatch(inputs)));
});
