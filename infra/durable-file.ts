/** Small files that survive a crash and a full disk: written whole beside, synced, then put in place. */

import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError, coerceError } from "../shared/errors.ts";
import { syncFolder } from "../shared/sync-folder.ts";

/** The file's text, undefined where there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "this user may not read it",
};

/** Why a file could not be read, for people; what is rare in the system's own words. */
export function whyUnread(thrown: unknown): string {
  const error = coerceError(thrown);
  return ("code" in error && UNREADABLE[String(error.code)]) || error.message;
}

/** Why a new file could not be written, to follow its name. */
export function whyUnwritten(thrown: unknown): string {
  const error = coerceError(thrown);
  const exists = "code" in error && error.code === "EEXIST";
  return exists ? "exists already: name a new file" : `cannot be written: ${error.message}`;
}

/** Writes a file that must not exist yet, whole or not at all. Readable by its owner only. Throws CodedError `payout-file`. */
export async function writeNewFile(path: string, text: string, what = "payout file"): Promise<void> {
  const refuse = (cause: unknown): never => {
    throw new CodedError("payout-file", `the ${what} ${path} ${whyUnwritten(cause)}`, { cause });
  };
  const file = await open(path, "wx", 0o600).catch(refuse);
  await fill(file, path, text).catch(refuse);
  await syncFolder(dirname(path));
}

/** Counts this process's writes, so that two of one file at the same time use two temporary files. */
let written = 0;

/** Replaces the file: after a crash it holds the old text or the new one. Readable by its owner only. */
export async function writeFileDurably(path: string, text: string): Promise<void> {
  written += 1;
  const beside = `${path}.${process.pid}-${written}.new`;
  const file = await open(beside, "w", 0o600);
  await fill(file, beside, text);
  await rename(beside, path);
  await syncFolder(dirname(path));
}

/**
 * Writes and closes a new file. If it could not be written whole, it is removed: nobody may use half a file.
 */
async function fill(file: FileHandle, path: string, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}
