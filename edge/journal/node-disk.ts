/** The disk port over node:fs. */

import { fdatasync, write } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { syncFolder } from "../../shared/sync-folder.ts";
import type { Disk, DiskFile } from "./disk.ts";

/** Out of blocks, out of quota, or beyond the largest file allowed. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export const nodeDisk: Disk = {
  makeFolder: (path) => guarded(path, async () => void (await mkdir(path, { recursive: true, mode: 0o700 }))),
  list: (folder) => guarded(folder, async () => (await readdir(folder)).sort()),
  read: (path) => guarded(path, () => readFile(path)),
  create: (path) => guarded(path, async () => openedFile(path, await open(path, "w", 0o600))),
  rename: (from, to) => guarded(from, () => rename(from, to)),
  remove: (path) => guarded(path, () => unlink(path)),
  syncFolder: (path) => guarded(path, () => syncFolder(path)),
};

/** Written by callbacks: a promise of node:fs costs three times as much, and there are two for each group of shares. */
function openedFile(path: string, handle: FileHandle): DiskFile {
  let size = 0;
  return {
    append: (bytes) =>
      guarded(path, async () => {
        // We keep the position ourselves, so that writing goes on at the cut after the file was cut back.
        for (let at = 0; at < bytes.length; ) at += await writeAt(handle.fd, bytes.subarray(at), size + at);
        size += bytes.length;
      }),
    sync: () => guarded(path, () => syncData(handle.fd)),
    truncate: (length) =>
      guarded(path, async () => {
        await handle.truncate(length);
        size = length;
      }),
    close: () => guarded(path, () => handle.close()),
  };
}

/** Resolves to how many bytes were written. */
function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, 0, bytes.length, position, (error, written) =>
      error === null ? resolve(written) : reject(error),
    ),
  );
}

function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) =>
    fdatasync(fd, (error) => (error === null ? resolve() : reject(error))),
  );
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = coerceError(thrown);
    const errno = "code" in error && typeof error.code === "string" ? error.code : "";
    if (FULL.has(errno)) {
      throw new CodedError("disk-full", `no room to write ${path}: free some space on its disk`, {
        cause: error,
        data: { path, errno },
      });
    }
    throw new CodedError("disk-failed", `${path}: ${error.message}`, { cause: error, data: { path, errno } });
  }
}
