/** A copy of the edge's folder that goes with a snapshot of the database: what is acknowledged is in one of the two. */

import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { segmentNumber } from "../../edge/journal/segment.ts";
import { CodedError } from "../../shared/errors.ts";
import { edgeFolders } from "../pool/left-edges.ts";

/** Of the processes that have the folders now, and what no promise rests on. */
const NOT_COPIED = new Set(["lock", "owner", "history"]);
const TRIES = 5;

/** The first file of each journal, by its folder: of the edge, and of its further processes (infra/pool/left-edges.ts). */
type FirstFiles = ReadonlyMap<string, number>;

async function firstFiles(folder: string): Promise<FirstFiles> {
  const first = new Map<string, number>();
  for (const edge of edgeFolders(folder)) {
    const journal = join(edge, "journal");
    const names = await readdir(journal).catch(() => []);
    const numbers = names.flatMap((name) => segmentNumber(name) ?? []);
    if (numbers.length > 0) first.set(relative(folder, journal), Math.min(...numbers));
  }
  return first;
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
    const before = await firstFiles(options.from);
    try {
      return await snapshot(() => copyFolder(options, before));
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
  before: FirstFiles,
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
      else if (entry.isFile() && !NOT_COPIED.has(entry.name) && !/^lock-|\.new$/.test(entry.name)) {
        await copyFile(join(from, path), join(to, path)).catch((error: unknown) => {
          // Of a process that is retired, everything goes.
          const mayGo = segmentNumber(entry.name) !== undefined || below !== "";
          throw mayGo ? new FreedMeanwhile() : error;
        });
        copied.push(path);
      }
    }
  };
  await copy("");
  for (const [journal, first] of before) {
    const numbers = copied
      .flatMap((path) => (dirname(path) === journal ? (segmentNumber(basename(path)) ?? []) : []))
      .toSorted((a, b) => a - b);
    const isWhole = numbers.every((number, i) => number === first + i);
    if (numbers.length === 0 || !isWhole) throw new FreedMeanwhile();
  }
  return copied;
}
