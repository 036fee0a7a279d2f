/** Lets only one process at a time use a data folder, by a lock of the kernel. The lock ends with the process, however the process ends. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CodedError, coerceError } from "../../shared/errors.ts";

export interface FolderLock {
  release(): void;
}

/** The garbage collector closes a database that nothing refers to, and then its lock is gone. */
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
  // Needed only for the error message that later processes give.
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
