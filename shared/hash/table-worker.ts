/** The thread that makes a table: posts the draws done while it works, then the table's sha256. */

import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { LxrKernel } from "./kernel.ts";
import { LXR_PASSES, LXR_SEED } from "./lxr.ts";
import { type SharedTable, tableBytes } from "./shared-table.ts";

/** What the thread is started with. */
export interface TableTask {
  readonly table: SharedTable;
  readonly region: number;
}

/** A number is progress; the text, which comes last, is the sum. */
export type TableNews = number | string;

const post = (news: TableNews): void => parentPort?.postMessage(news);

const { table, region }: TableTask = workerData;
new LxrKernel(table, region).generateTable(LXR_SEED, LXR_PASSES, post);
post(createHash("sha256").update(tableBytes(table)).digest("hex"));
