/** One process at a time in a data folder: a lock of the kernel's, which ends with the process however that ends. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CodedError, coerceError } from "../../shared/errors.ts";

export interface FolderLock {
  release(): void;
}

/** A database that nobody refers to is closed by the garbage collector, and its lock goes with it. */
const held = new Set<DatabaseSync>();

/**
 * Throws CodedError `folder-in-use`, naming the process that has it. A process killed with -9 leaves no lock behind: Node has
 * no flock of its own, so the lock is the one that SQLite takes on an (empty) file by the system's file locks.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const owner = join(folder, "owner");
  const database = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (thrown) {
    database.close();
    throw refusal(folder, owner, coerceError(thrown));
  }
  held.add(database);
  // Only for the message of those who come later.
  writeFileSync(owner, `${process.pid}\n`);
  return {
    release() {
      held.delete(database);
      if (database.isOpen) database.close();
    },
  };
}

function refusal(folder: string, owner: string, cause: Error): CodedError {
  const busy = "errcode" in cause && cause.errcode === 5;
  if (!busy) return new CodedError("folder-in-use", `cannot lock ${folder}: ${cause.message}`, { cause });
  return new CodedError(
    "folder-in-use",
    `${folder} is in use by process ${ownerPid(owner)}: stop it first, or choose another folder with --data-dir`,
    { cause },
  );
}

function ownerPid(owner: string): string {
  try {
    return readFileSync(owner, "utf8").trim();
  } catch {
    return "(unknown)";
  }
}
