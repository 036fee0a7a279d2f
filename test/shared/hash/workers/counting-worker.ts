/** A hashing thread that notes the sizes of its batches. */

import { workerData } from "node:worker_threads";
import { LxrKernel } from "../../../../shared/hash/kernel.ts";
import type { HashTask } from "../../../../shared/hash/worker.ts";
import { batchNotes } from "./batch-notes.ts";

const { table }: HashTask = workerData;
const notes = batchNotes(table);
const { hashBatch } = LxrKernel.prototype;

LxrKernel.prototype.hashBatch = function (inputs) {
  Atomics.store(notes, Atomics.add(notes, 0, 1) + 1, inputs.length);
  return hashBatch.call(this, inputs);
};

await import("../../../../shared/hash/worker.ts");
