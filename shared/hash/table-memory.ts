/**
 * One table for several processes of a machine: its bytes lie in a file in memory, which each process maps over the same place of its own
 * WebAssembly memory. No kernel notices. Linux gives such a file huge pages where it is asked to make them at once (MADV_COLLAPSE, from 6.1 on),
 * whatever its setting for them; without them hashing would run at a third of its rate, so that each process then has a table of its own.
 */

import { closeSync, openSync } from "node:fs";
import { CodedError, coerceError } from "../errors.ts";
import { WORTH_BYTES } from "./huge-pages.ts";
import { loadKoffi } from "./koffi.ts";
import { allocateTable, type SharedTable, tableBytes } from "./shared-table.ts";

/** Linux's numbers on every processor. */
const READ = 1;
const READ_WRITE = 3;
const SHARED = 1;
const FIXED = 16;
const MADV_COLLAPSE = 25;
const HUGE_BYTES = 2 ** 21;
const PROBE_BITS = 22;
/** A piece that was in use a moment ago may do at the second try. */
const TRIES = 3;

type Call = (...args: readonly (number | string)[]) => number;

interface Libc {
  readonly mmap: Call;
  readonly memfd: Call;
  readonly ftruncate: Call;
  readonly collapse: (address: number, bytes: number) => Promise<boolean>;
  readonly addressOf: (bytes: Uint8Array) => number;
}

/** Undefined where the system or the optional package has not what is needed. */
function loadLibc(): Libc | undefined {
  const koffi = process.platform === "linux" ? loadKoffi() : undefined;
  if (koffi === undefined) return undefined;
  try {
    const libc = koffi.load(null);
    const advise = libc.func("int madvise(intptr_t address, size_t length, int advice)");
    return {
      mmap: libc.func(
        "intptr_t mmap(intptr_t address, size_t length, int protection, int flags, int file, int64_t offset)",
      ),
      memfd: libc.func("int memfd_create(const char *name, unsigned int flags)"),
      ftruncate: libc.func("int ftruncate(int file, int64_t length)"),
      // In a thread of its own: for 1 GiB it takes some seconds.
      collapse: (address, bytes) =>
        new Promise((resolve) =>
          advise.async(address, bytes, MADV_COLLAPSE, (error: unknown, result: number) =>
            resolve(!error && result === 0),
          ),
        ),
      addressOf: (bytes) => Number(koffi.address(bytes)),
    };
  } catch {
    return undefined;
  }
}

/** Whether this machine gives huge pages to memory that processes share. Asked with two such pages. */
export async function canShareTables(): Promise<boolean> {
  const tried = await fileOf(allocateTable(PROBE_BITS));
  if (tried === undefined) return false;
  closeSync(tried.file);
  return tried.isWhole;
}

/**
 * Moves an empty table's bytes into a file in memory, on huge pages. Resolves to the file's path for other processes of this user, which is good
 * while this process lives; undefined where the table is too small to gain, or the machine does not give it: the table then is as it was.
 */
export async function shareTable(table: SharedTable): Promise<string | undefined> {
  if (2 ** table.bits < WORTH_BYTES || !(await canShareTables())) return undefined;
  const shared = await fileOf(table);
  return shared && `/proc/${process.pid}/fd/${shared.file}`;
}

/** The open file that holds the table's bytes now. `isWhole`: all of it is on huge pages. */
async function fileOf(table: SharedTable): Promise<{ file: number; isWhole: boolean } | undefined> {
  const libc = loadLibc();
  const file = libc?.memfd("lxr-table", 0) ?? -1;
  if (libc === undefined || file < 0) return undefined;
  const bytes = tableBytes(table);
  if (libc.ftruncate(file, bytes.length) !== 0 || !map(libc, bytes, READ_WRITE, file)) {
    closeSync(file);
    return undefined;
  }
  // Linux makes a huge page of what has one byte in it, and clears the rest. The table's reader then fills whole pages.
  for (let at = 0; at < bytes.length; at += HUGE_BYTES) bytes[at] = 0;
  let isWhole = false;
  for (let tries = 0; tries < TRIES && !isWhole; tries++)
    isWhole = await libc.collapse(libc.addressOf(bytes), bytes.length);
  return { file, isWhole };
}

/** The table that another process shares at `file`, for reading. Throws CodedError `lxr-not-shared` where it cannot be had. */
export function adoptTable(bits: number, file: string): SharedTable {
  const refused = (why: string, cause?: unknown): CodedError =>
    new CodedError("lxr-not-shared", `the LXR table at ${file} cannot be shared: ${why}`, { cause });
  const libc = loadLibc();
  if (libc === undefined) throw refused("koffi is missing, or this is no Linux");
  const table = allocateTable(bits);
  let opened: number;
  try {
    opened = openSync(file, "r");
  } catch (thrown) {
    throw refused(coerceError(thrown).message, thrown);
  }
  const isMapped = map(libc, tableBytes(table), READ, opened);
  closeSync(opened);
  if (!isMapped) throw refused("the system refuses to map it");
  return table;
}

/** In the place of what is there. WebAssembly's memory never moves, and its table begins at a whole page. */
function map(libc: Libc, bytes: Uint8Array, protection: number, file: number): boolean {
  const address = libc.addressOf(bytes);
  return libc.mmap(address, bytes.length, protection, SHARED | FIXED, file, 0) === address;
}
