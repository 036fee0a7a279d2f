/** A hashing thread of the pool: it waits for a question in its mailbox, answers it, and waits again until it is ended from outside. */

import { workerData } from "node:worker_threads";
import { LxrKernel } from "./kernel.ts";
import { Mailbox } from "./mailbox.ts";
import type { SharedTable } from "./shared-table.ts";

/** What the thread is started with. */
export interface HashTask {
  readonly table: SharedTable;
  readonly region: number;
  /** The memory of its mailbox. */
  readonly mailbox: SharedArrayBuffer;
}

const { table, region, mailbox: memory }: HashTask = workerData;
const kernel = new LxrKernel(table, region);
const mailbox = new Mailbox(memory);

for (;;) {
  const question = mailbox.next();
  mailbox.answer(
    question.kind === "hash" ? kernel.hashBatch(question.inputs) : kernel.search(question.range),
  );
}
