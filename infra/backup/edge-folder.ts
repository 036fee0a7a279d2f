/** A copy of the edge's folder that goes with a snapshot of the database: what is acknowledged is in one of the two. */

import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { segmentNumber } from "../../edge/journal/segment.ts";
import { CodedError } from "../../shared/errors.ts";

/** Of the process that has the folder now. */
const NOT_COPIED = new Set(["lock", "owner"]);
const TRIES = 5;
const JOURNAL = "journal";

/** Names of the journal's files, in the order of their numbers; none where there is no journal. */
async function segmentsIn(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, JOURNAL)).catch(() => []);
  return names.flatMap((name) => segmentNumber(name) ?? []).toSorted((a, b) => a - b);
}

/**
 * Takes the snapshot, then copies. The journal then is ahead of the database, as after a restored backup (docs/runbook.md, "Restoring the database"):
 * its edge sends again what the database lacks. A file that was freed in between would be missing on both sides: then both are taken again.
 * Throws CodedError `backup-busy` where that happens every time.
 */
export async function withEdgeFolder<T>(
  options: { readonly from: string; readonly to: string },
  snapshot: (copy: () => Promise<string[]>) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const before = await segmentsIn(options.from);
    try {
      return await snapshot(() => copyFolder(options, before[0]));
    } catch (error) {
      if (!(error instanceof FreedMeanwhile)) throw error;
      if (tries === TRIES)
        throw new CodedError("backup-busy", "the journal was freed during each of five tries: run it again", {
          cause: error,
        });
    }
  }
}

class FreedMeanwhile extends Error {}

/** Names of the files copied, relative to the folder. */
async function copyFolder(
  { from, to }: { readonly from: string; readonly to: string },
  firstBefore: number | undefined,
): Promise<string[]> {
  // Of an earlier try.
  await rm(to, { recursive: true, force: true });
  const copied: string[] = [];
  const copy = async (below: string): Promise<void> => {
    const entries = await readdir(join(from, below), { withFileTypes: true }).catch(() => []);
    if (entries.length > 0) await mkdir(join(to, below), { recursive: true, mode: 0o700 });
    for (const entry of entries) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) await copy(path);
      else if (entry.isFile() && !NOT_COPIED.has(path) && !/^lock-|\.new$/.test(entry.name)) {
        await copyFile(join(from, path), join(to, path)).catch((error: unknown) => {
          throw segmentNumber(entry.name) === undefined ? error : new FreedMeanwhile();
        });
        copied.push(path);
      }
    }
  };
  await copy("");
  const numbers = copied
    .flatMap((path) => segmentNumber(path.replace(`${JOURNAL}/`, "")) ?? [])
    .toSorted((a, b) => a - b);
  const isWhole = numbers.every((number, i) => i === 0 || number === (numbers[i - 1] ?? 0) + 1);
  if (firstBefore !== undefined && (numbers[0] !== firstBefore || !isWhole)) throw new FreedMeanwhile();
  return copied;
}
