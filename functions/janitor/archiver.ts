/**
 * Moves the deltas of sealed blocks to the archive, some files a run (docs/design.md, "The archive of deltas"). Each step can be killed: a file is
 * written, read back and compared, then put on record, and only then bodies go. Two at the same time do the same things: the second is told so by
 * the file's number, and no lease is needed.
 */

import {
  type ArchivedDelta,
  compressed,
  contentOf,
  type DeltaKey,
  fileName,
  keysSha256,
  readBlockFile,
} from "../../shared/archive/block-file.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  type ArchiveFile,
  deltasBookedInto,
  dropBodies,
  lastArchiveFile,
  nextToArchive,
  recordArchiveFile,
  type UnarchivedDelta,
} from "../../shared/db/archive.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { sha256Hex } from "../../shared/sha256.ts";

export interface ArchiverOptions {
  /** A block's deltas go so long after its seal. */
  readonly afterMs: number;
  /** No further file is begun after so long; one at least is written in a run. */
  readonly runMs: number;
  /** Bodies of a file, about. */
  readonly partBytes?: number;
}

export interface ArchiverModules {
  readonly db: Db;
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ArchiveReport {
  readonly files: number;
  readonly deltas: number;
  /** How long the oldest block that should be in the archive has been due; 0: none is. */
  readonly overdueSeconds: number;
}

/** Held in memory, twice. */
const PART_BYTES = 8_000_000;

/** Throws CodedErrors `archive-damaged` and `archive-body`: then nothing was taken away, and the next run comes to the same place. */
export function createArchiver(
  options: ArchiverOptions,
  modules: ArchiverModules,
): () => Promise<ArchiveReport> {
  const { db, clock, logger, store } = modules;
  return async () => {
    const startMs = clock.monotonicMs();
    let [files, deltas] = [0, 0];
    for (;;) {
      const last = await lastArchiveFile(db);
      // What a run before was killed at.
      if (last !== undefined) while ((await dropBodies(db, last.height)) > 0);
      const next = await nextToArchive(db);
      const overdueSeconds = next === undefined ? 0 : next.ageSeconds - options.afterMs / 1000;
      if (next === undefined || overdueSeconds < 0) return { files, deltas, overdueSeconds: 0 };
      if (files > 0 && clock.monotonicMs() - startMs >= options.runMs)
        return { files, deltas, overdueSeconds };
      const written = await archivePart(next.height, last, { ...options }, modules);
      if (written === undefined) {
        logger.info("Another process archives as well; this one stops", { height: next.height });
        return { files, deltas, overdueSeconds };
      }
      files++;
      deltas += written;
      logger.debug("Archived deltas of a block", {
        height: next.height,
        deltas: written,
        place: store.place,
      });
    }
  };
}

/** Resolves to the deltas of the file; undefined where another process has put it on record meanwhile, and perhaps taken the bodies away that this one was reading. */
async function archivePart(
  height: number,
  last: ArchiveFile | undefined,
  options: ArchiverOptions,
  modules: ArchiverModules,
): Promise<number | undefined> {
  try {
    return await writePart(height, last, options, modules);
  } catch (error) {
    const newest = await lastArchiveFile(modules.db);
    if ((newest?.no ?? 0) > (last?.no ?? 0)) return undefined;
    throw error;
  }
}

async function writePart(
  height: number,
  last: ArchiveFile | undefined,
  { partBytes = PART_BYTES }: ArchiverOptions,
  { db, store }: ArchiverModules,
): Promise<number> {
  const goesOn = last !== undefined && !last.isLast ? last : undefined;
  const part = goesOn === undefined ? 0 : goesOn.part + 1;
  const { deltas, isLast } = await readPart(db, height, keyOf(goesOn), partBytes);
  const content = contentOf({ height, part, deltas });
  const identity = { height, part, sha256: sha256Hex(content) };
  await store.put(fileName(identity), await compressed(content));
  const back = await readBlockFile(store, identity);
  await recordArchiveFile(db, {
    ...{ ...identity, no: (last?.no ?? 0) + 1, isLast, bytes: Buffer.byteLength(content) },
    ...{ deltas: back, keysSha256: keysSha256(back) },
  });
  return back.length;
}

function keyOf(file: ArchiveFile | undefined): DeltaKey | undefined {
  if (file === undefined) return undefined;
  const { lastJob: job, lastSlot: slot, lastEpoch: epoch, lastSeq: seq } = file;
  return job === null || slot === null || epoch === null || seq === null
    ? undefined
    : { job, slot, epoch, seq };
}

/** The same deltas give the same part, whoever reads them and however often. */
async function readPart(
  db: Db,
  height: number,
  after: DeltaKey | undefined,
  most: number,
): Promise<{ deltas: ArchivedDelta[]; isLast: boolean }> {
  const deltas: ArchivedDelta[] = [];
  let bytes = 0;
  for (;;) {
    const page = await deltasBookedInto(db, height, deltas.at(-1) ?? after);
    if (page.length === 0) return { deltas, isLast: true };
    for (const delta of page) {
      if (bytes > most) return { deltas, isLast: false };
      const checked = withBody(delta);
      bytes += checked.body.length;
      deltas.push(checked);
    }
  }
}

function withBody(delta: UnarchivedDelta): ArchivedDelta {
  const { job, slot, epoch, seq, sha256, body } = delta;
  if (body === null || sha256Hex(body) !== sha256)
    throw new CodedError(
      "archive-body",
      `delta ${job}/${slot}/${epoch}/${seq} has ${body === null ? "no body" : "a body that does not have its hash"}: the row was changed by hand. Restore it from a backup (\`prosper audit --replay\` names all such rows)`,
    );
  return { ...delta, body };
}
