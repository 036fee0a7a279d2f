/**
 * The folders of a pool's edge processes, and what becomes of those that are not started any more because the setting `stratum.processes` was
 * lowered (docs/design.md, "Several processes").
 */

import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { edgeIdentity } from "../../edge/lease/identity.ts";
import { retireEdge } from "../../edge/shares/retire.ts";
import { type Clock, type Random, sleep } from "../../shared/clock.ts";
import { edgeRecords, endEpochsOf } from "../../shared/db/edges.ts";
import type { Db } from "../../shared/db/port.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";

const NAME = /^process-(\d+)$/;
/** A folder whose edge is retired, while its files are removed. */
const DONE = ".retired";
const RETRY_MS = 30_000;

/** The folder of an edge process, numbered from 1: the first one's is the folder of a pool that has one. */
export function processFolder(folder: string, process: number): string {
  return process === 1 ? folder : join(folder, `process-${process}`);
}

/** The folders of all edges that have been here: the first, and those of further processes, started or not. */
export function edgeFolders(folder: string): string[] {
  return [folder, ...furtherProcesses(folder).map((process) => processFolder(folder, process))];
}

function furtherProcesses(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const numbers = readdirSync(folder).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  return numbers.sort((a, b) => a - b);
}

export interface LeftEdgesOptions {
  /** Of the first process. */
  readonly folder: string;
  /** How many are started. */
  readonly processes: number;
  readonly blockMs: number;
}

export interface LeftEdgesModules {
  readonly db: Db;
  readonly queue: QueueSender;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Brings what such edges left to the books, one after the other, then removes their folders. Tries again until `signal` aborts; never rejects, since
 * the others go on meanwhile and nothing is lost: a folder stays until the books have all that is in it.
 */
export async function retireLeftEdges(options: LeftEdgesOptions, modules: LeftEdgesModules): Promise<void> {
  const { clock, logger, signal } = modules;
  removeRetired(options.folder);
  for (const process of furtherProcesses(options.folder)) {
    if (process <= options.processes) continue;
    const folder = processFolder(options.folder, process);
    while (!signal.aborted) {
      try {
        const shares = await retire(folder, options, modules);
        logger.info("an edge process that is not started any more left nothing behind", { process, shares });
        break;
      } catch (thrown) {
        if (signal.aborted) return;
        const problem = coerceError(thrown);
        logger.error("what an edge process left is not in the books yet: trying again", { folder, problem });
        await sleep(clock, RETRY_MS, signal);
      }
    }
  }
}

async function retire(
  folder: string,
  { blockMs }: LeftEdgesOptions,
  modules: LeftEdgesModules,
): Promise<number> {
  const { db } = modules;
  const lock = lockFolder(folder);
  try {
    const edgeId = await edgeIdentity(folder, { ...modules, disk: nodeDisk });
    const { shares } = await retireEdge(
      { folder, edgeId, blockMs },
      {
        ...modules,
        disk: nodeDisk,
        records: edgeRecords(db),
        endEpochs: (id) => endEpochsOf(db, id),
      },
    );
    // In one step, so that no start finds half a journal.
    renameSync(folder, `${folder}${DONE}`);
    return shares;
  } finally {
    lock.release();
    rmSync(`${folder}${DONE}`, { recursive: true, force: true });
  }
}

/** What an earlier start had no time to remove. */
function removeRetired(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.endsWith(DONE)) rmSync(join(folder, name), { recursive: true, force: true });
}
