/** The table on disk: one file per size, shared with other PegNet software, verified when read and written all or nothing. */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CodedError, coerceError } from "../errors.ts";
import { LXR_PASSES, LXR_SEED } from "./lxr.ts";
import { type SharedTable, tableBytes } from "./shared-table.ts";
import { tableSum } from "./table-sums.ts";

/** Progress of reading and writing: bytes done, out of the table's size. */
export interface Following {
  readonly onBytes?: ((done: number) => void) | undefined;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export type Reading =
  | { readonly kind: "read" }
  | { readonly kind: "missing" }
  /** The memory holds rubbish now. `reason` says what differs. */
  | { readonly kind: "damaged"; readonly reason: string };

/** Small enough that hashing a piece between two reads causes no delay that anyone notices. */
const CHUNK_BYTES = 2 ** 20;

/** The name that the reference gives the table's file. */
export function tablePath(dir: string, bits: number): string {
  return join(dir, `lxrhash-seed-${LXR_SEED.toString(16)}-passes-${LXR_PASSES}-size-${bits}.dat`);
}

/** Reads the file straight into the table's memory and checks its sha256. Throws CodedError "lxr-table-unreadable". */
export async function readTable(path: string, table: SharedTable, following: Following): Promise<Reading> {
  const bytes = tableBytes(table);
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (thrown) {
    const cause = coerceError(thrown);
    if (errnoOf(cause) === "ENOENT") return { kind: "missing" };
    throw unreadable(path, cause);
  }
  try {
    const { size } = await file.stat();
    if (size !== bytes.length)
      return { kind: "damaged", reason: `it has ${size} bytes instead of ${bytes.length}` };
    const sum = createHash("sha256");
    for (let done = 0; done < bytes.length; ) {
      following.signal?.throwIfAborted();
      const want = Math.min(CHUNK_BYTES, bytes.length - done);
      const { bytesRead } = await file.read(bytes, done, want, done).catch((cause: unknown) => {
        throw unreadable(path, coerceError(cause));
      });
      if (bytesRead === 0) return { kind: "damaged", reason: `it ends after ${done} bytes` };
      sum.update(bytes.subarray(done, done + bytesRead));
      done += bytesRead;
      following.onBytes?.(done);
    }
    const got = sum.digest("hex");
    const expected = tableSum(table.bits);
    return got === expected
      ? { kind: "read" }
      : { kind: "damaged", reason: `its sha256 is ${got} instead of ${expected}` };
  } finally {
    await file.close();
  }
}

/** Writes the table beside `path`, then renames it there: a crash leaves the old file or none. Throws CodedError "lxr-table-unsaved". */
export async function writeTable(path: string, table: SharedTable, following: Following): Promise<void> {
  const bytes = tableBytes(table);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx");
    try {
      for (let done = 0; done < bytes.length; ) {
        following.signal?.throwIfAborted();
        const want = Math.min(CHUNK_BYTES, bytes.length - done);
        done += (await file.write(bytes, done, want, done)).bytesWritten;
        following.onBytes?.(done);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    following.signal?.throwIfAborted();
    throw unsaved(path, bytes.length, coerceError(thrown));
  }
}

/** Moves a damaged file out of the way, to be looked at or deleted. Returns its new path. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.corrupt`;
  await rename(path, aside);
  return aside;
}

/** Removes what writers that died left behind. Never throws: this is housekeeping. */
export async function removeLeftovers(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names) {
    const writer = /^\.(\d+)\.tmp$/.exec(
      name.startsWith(basename(path)) ? name.slice(basename(path).length) : "",
    );
    if (writer && !isOtherProcess(Number(writer[1])))
      await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

/** Before minutes are spent on a large table: will the folder take it? Throws CodedError "lxr-table-unsaved". */
export async function checkRoom(path: string, bytes: number): Promise<void> {
  const dir = dirname(path);
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
    const { bavail, bsize } = await statfs(dir);
    if (bavail * bsize < bytes)
      throw Object.assign(new Error(`${(bavail * bsize) >> 20} MiB are free`), { code: "ENOSPC" });
  } catch (thrown) {
    throw unsaved(path, bytes, coerceError(thrown));
  }
}

function isOtherProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return errnoOf(coerceError(thrown)) === "EPERM";
  }
}

function unreadable(path: string, cause: Error): CodedError {
  return new CodedError(
    "lxr-table-unreadable",
    `the LXR table ${path} cannot be read (${cause.message}): make it readable, or delete it and it will be made again`,
    { cause, data: { path } },
  );
}

function unsaved(path: string, bytes: number, cause: Error): CodedError {
  const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(errnoOf(cause) ?? "");
  return new CodedError(
    "lxr-table-unsaved",
    full
      ? `no room for the LXR table ${path}: it needs ${Math.ceil(bytes / 2 ** 20)} MiB (${cause.message}). Free the space, or name another folder`
      : `the LXR table ${path} cannot be written (${cause.message}): make its folder writable, or name another`,
    { cause, data: { path, bytes } },
  );
}

function errnoOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
