/** A hashing thread that notes the sizes of its batches. */

import { parentPort, workerData } from "node:worker_threads";
import type { HashBatch, HashTask } from "../../../../shared/hash/worker.ts";
import { batchNotes } from "./batch-notes.ts";

const { table }: HashTask = workerData;
const notes = batchNotes(table);

parentPort?.on("message", ({ lengths }: HashBatch) => {
  Atomics.store(notes, Atomics.add(notes, 0, 1) + 1, lengths.length);
});

await import("../../../../shared/hash/worker.ts");
