/** Opens the table of a size: read from its file, or made (minutes at 30 bits) and saved there. One memory per file and process. */

import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { CodedError, coerceError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { lostHugePages, readPageFacts } from "./huge-pages.ts";
import { LXR_PASSES } from "./lxr.ts";
import { findNativeFor, type Native, type NativeOptions } from "./native-kernel.ts";
import { allocateTable, checkBits, claimRegion, releaseRegion, type SharedTable } from "./shared-table.ts";
import { checkRoom, readTable, removeLeftovers, setAside, tablePath, writeTable } from "./table-file.ts";
import { adoptTable, shareTable } from "./table-memory.ts";
import { tableSum } from "./table-sums.ts";
import type { TableNews, TableTask } from "./table-worker.ts";

export interface OpenTableOptions {
  /** 8 to 30. */
  readonly bits: number;
  /** Folder of the tables; the reference's own, `~/.lxrhash`, unless given. */
  readonly dir?: string | undefined;
  /** For other processes too, where the machine can (table-memory.ts). */
  readonly shared?: boolean | undefined;
  /** How the native kernel is found. */
  readonly native?: NativeOptions | undefined;
  readonly onProgress?: ((progress: TableProgress) => void) | undefined;
  /** Aborting rejects with the signal's reason and leaves no unfinished file. Heard by the caller that opened first. */
  readonly signal?: AbortSignal | undefined;
  readonly logger: Logger;
}

/** `done` of `total` bytes read or saved, or draws of the shuffle made. */
export interface TableProgress {
  readonly step: "reading" | "making" | "saving";
  readonly done: number;
  readonly total: number;
}

/** Up to this size a table is made in seconds at most, so it may be used even if it cannot be saved. */
const QUICK_BITS = 24;

const opened = new Map<string, Promise<SharedTable>>();

/**
 * A damaged file is moved to `NAME.corrupt` and made again, with a warning. A table that cannot be saved is still used, with an error in
 * the log. Above 24 bits, where making takes minutes, the folder is tested first; if it cannot be written, the call is refused.
 * Throws RangeError on a bad size, CodedError "lxr-no-memory", "lxr-table-unreadable", "lxr-table-unsaved" or "lxr-table-wrong".
 */
export async function openTable(options: OpenTableOptions): Promise<SharedTable> {
  checkBits(options.bits);
  const path = tablePath(options.dir ?? join(homedir(), ".lxrhash"), options.bits);
  for (;;) {
    options.signal?.throwIfAborted();
    const other = opened.get(path);
    if (!other) break;
    // If the first caller gave up or failed, this one tries itself.
    const table = await other.catch(() => undefined);
    if (table) return table;
  }
  const own = readOrMake(path, options).catch((thrown: unknown) => {
    opened.delete(path);
    throw thrown;
  });
  opened.set(path, own);
  return own;
}

async function readOrMake(path: string, options: OpenTableOptions): Promise<SharedTable> {
  const { bits, signal, logger } = options;
  const bytes = 2 ** bits;
  // Compiling takes about a second the first time, so it runs while the table is read.
  const finding = findNativeFor(bits, options.native);
  const report = (step: TableProgress["step"], total: number) => (done: number) =>
    options.onProgress?.({ step, done, total });

  await removeLeftovers(path);
  const own = allocateTable(bits);
  const file = options.shared === true ? await shareTable(own) : undefined;
  const empty = file === undefined ? own : { ...own, file };
  const reading = await readTable(path, empty, { onBytes: report("reading", bytes), signal });
  const native = await finding;
  const table = native?.kind === "found" ? { ...empty, library: native.library } : empty;
  const ready = (): SharedTable => {
    if (native !== undefined) sayHowFast(table, native, logger);
    return table;
  };
  if (reading.kind === "read") return ready();
  if (reading.kind === "damaged") {
    const aside = await setAside(path).catch((thrown: unknown) => coerceError(thrown).message);
    logger.warn("The LXR table's file is damaged: moved aside, making it again", {
      path,
      reason: reading.reason,
      aside,
    });
  }
  if (bits > QUICK_BITS) await checkRoom(path, bytes);
  await makeTable(table, report("making", LXR_PASSES * bytes), signal);
  try {
    await writeTable(path, table, { onBytes: report("saving", bytes), signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    logger.error("The LXR table was made but not saved: it will be made again at the next start", {
      reason: coerceError(thrown).message,
    });
  }
  return ready();
}

/** The table that another process opened for others, with a kernel of this one's. Throws CodedError `lxr-not-shared`, RangeError on a bad size. */
export async function openSharedTable(
  file: string,
  { bits, native: options, logger }: Pick<OpenTableOptions, "bits" | "native" | "logger">,
): Promise<SharedTable> {
  const table = adoptTable(bits, file);
  const native = await findNativeFor(bits, options);
  if (native?.kind !== "found") return table;
  logger.info("The native kernel hashes", { bits, library: native.library });
  return { ...table, library: native.library };
}

/** Logs the kernel in one line, and in another line whatever makes it slower. */
function sayHowFast({ bits }: SharedTable, native: Native, logger: Logger): void {
  if (native.kind === "found") logger.info("The native kernel hashes", { bits, library: native.library });
  else logger.info("The WebAssembly kernel hashes: a native one is faster", { bits, reason: native.reason });
  const reason = lostHugePages(2 ** bits, readPageFacts());
  if (reason !== undefined)
    logger.warn("The LXR table is not on huge pages: hashing runs at half its rate or less", { reason });
}

/** Runs the shuffle in a thread of its own. */
async function makeTable(
  table: SharedTable,
  onDraws: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const task: TableTask = { table, region: claimRegion(table) };
  const worker = new Worker(new URL("./table-worker.ts", import.meta.url), { workerData: task });
  let sum = "";
  worker.on("message", (news: TableNews) => {
    if (typeof news === "number") onDraws(news);
    else sum = news;
  });
  const abort = (): void => void worker.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await once(worker, "exit");
  } finally {
    signal?.removeEventListener("abort", abort);
    releaseRegion(table, task.region);
  }
  signal?.throwIfAborted();
  if (sum !== tableSum(table.bits))
    throw new CodedError(
      "lxr-table-wrong",
      `the LXR table of ${table.bits} bits was made wrong: expected the sha256 ${tableSum(table.bits)}, got ${sum || "none (the thread ended early)"}. Test this machine's memory, then try again`,
      { data: { bits: table.bits, sum } },
    );
}
