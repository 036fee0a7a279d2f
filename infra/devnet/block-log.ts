/**
 * The devnet's disk: an append-only log of records, cut into segments. Each record is synced before it
 * counts. A record that a full disk left incomplete is cut off before the next one is written. One that a
 * crash left incomplete at the end is cut off at the next start. Old segments are deleted whole.
 */

import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { concat, u32ToBytes } from "../../shared/bytes.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { syncFolder } from "../../shared/sync-folder.ts";

export interface LogRecord {
  /** JSON. */
  readonly header: unknown;
  readonly body: Uint8Array;
}

/** Where a record's body lies. */
export interface BodyPlace {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export interface BlockLog {
  /** Resolves when the record is on disk. */
  append(record: LogRecord): Promise<BodyPlace>;
  /** The next record opens a new segment; segments below `oldest` are deleted. */
  rotate(segment: number, oldest: number): Promise<void>;
  read(place: BodyPlace): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Header length, body length, CRC-32 of both. */
const PREFIX_BYTES = 12;
/** How every header begins. After torn bytes, this shows where a header may be. */
const HEADER_START = '{"type":';
const SEGMENT_NAME = /^chain-(\d{9})\.log$/;

const segmentPath = (folder: string, segment: number): string =>
  join(folder, `chain-${String(segment).padStart(9, "0")}.log`);

/**
 * Opens the log in `folder` and hands each whole record to `onRecord`, in order. Versions before this one
 * could leave half a record between whole ones on a full disk. Such a half is skipped, so the caller must
 * check that the records follow on each other. Throws CodedError `devnet-data-damaged` where a segment that
 * is not the last ends in a broken record.
 */
export async function openBlockLog(
  folder: string,
  onRecord: (header: unknown, place: BodyPlace) => void,
  logger: Logger,
): Promise<BlockLog> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  const segments = names
    .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  let whole = 0;
  for (const segment of segments) {
    const path = segmentPath(folder, segment);
    const { end, size, torn } = await readSegment(path, segment, onRecord);
    whole = end;
    if (torn > 0) logger.warn("passed over half a block that a full disk had left", { path, bytes: torn });
    if (end === size) continue;
    if (segment !== segments.at(-1))
      throw new CodedError(
        "devnet-data-damaged",
        `${path} is damaged at byte ${end} of ${size}: move the folder away to start a new chain`,
      );
    logger.warn("cut off a block that was not written whole", { path, from: end, size });
    await truncate(path, end);
  }
  return createBlockLog(folder, segments, whole);
}

/** `whole`: how many bytes of the last segment belong to whole records. */
function createBlockLog(folder: string, existing: readonly number[], whole: number): BlockLog {
  const kept = new Set(existing);
  let segment = existing.at(-1) ?? 0;
  let end = whole;
  let file: FileHandle | undefined;
  const current = async (): Promise<FileHandle> => {
    if (file !== undefined) return file;
    const opened = await open(segmentPath(folder, segment), "a+");
    try {
      // Cuts off what a failed append may have left, if that could not be done at once.
      await opened.truncate(end);
      if (!kept.has(segment)) await syncFolder(folder);
    } catch (error) {
      await opened.close();
      throw error;
    }
    kept.add(segment);
    file = opened;
    return opened;
  };
  /** Cuts back to the last whole record: what follows half a record is lost with it at the next start. */
  const cutBack = async (): Promise<void> => {
    const failed = file;
    file = undefined;
    await failed?.truncate(end).catch(() => undefined);
    await failed?.close().catch(() => undefined);
  };
  return {
    async append({ header, body }) {
      const bytes = new TextEncoder().encode(JSON.stringify(header));
      const target = await current();
      const sum = crc32(body, crc32(bytes));
      const prefix = concat(u32ToBytes(bytes.length), u32ToBytes(body.length), u32ToBytes(sum));
      const record = concat(prefix, bytes, body);
      try {
        await target.appendFile(record);
        await target.sync();
      } catch (error) {
        await cutBack();
        throw error;
      }
      const offset = end + PREFIX_BYTES + bytes.length;
      end += record.length;
      return { segment, offset, length: body.length };
    },
    async rotate(next, oldest) {
      await file?.close();
      file = undefined;
      // A block that could not be written is tried again. Its segment is then the same as before.
      if (next !== segment) end = 0;
      segment = next;
      for (const old of kept) {
        if (old >= oldest) continue;
        await rm(segmentPath(folder, old), { force: true });
        kept.delete(old);
      }
    },
    async read(place) {
      const source = await open(segmentPath(folder, place.segment), "r");
      try {
        const body = new Uint8Array(place.length);
        await source.read(body, 0, place.length, place.offset);
        return body;
      } finally {
        await source.close();
      }
    },
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}

/** Reads whole records. `end` is where the last one ends; `torn` are the bytes between them, of no record. */
async function readSegment(
  path: string,
  segment: number,
  onRecord: (header: unknown, place: BodyPlace) => void,
): Promise<{ readonly end: number; readonly size: number; readonly torn: number }> {
  const bytes = await readFile(path);
  let end = 0;
  let torn = 0;
  for (let at = 0; ; ) {
    const found = recordAt(bytes, at);
    if (found !== undefined) {
      torn += at - end;
      onRecord(found.header, { segment, offset: found.bodyAt, length: found.end - found.bodyAt });
      end = found.end;
      at = end;
      continue;
    }
    const next = bytes.indexOf(HEADER_START, at + PREFIX_BYTES + 1);
    if (next < 0) return { end, size: bytes.length, torn };
    at = next - PREFIX_BYTES;
  }
}

/** The whole record that begins at `at`, undefined where none does. */
function recordAt(
  bytes: Buffer,
  at: number,
): { readonly header: unknown; readonly bodyAt: number; readonly end: number } | undefined {
  const headerAt = at + PREFIX_BYTES;
  if (headerAt > bytes.length) return undefined;
  const bodyAt = headerAt + bytes.readUInt32BE(at);
  const end = bodyAt + bytes.readUInt32BE(at + 4);
  if (end > bytes.length || crc32(bytes.subarray(headerAt, end)) !== bytes.readUInt32BE(at + 8))
    return undefined;
  return { header: JSON.parse(bytes.toString("utf8", headerAt, bodyAt)), bodyAt, end };
}

/** The same in memory, for a devnet without a data folder. */
export function createMemoryLog(): BlockLog {
  const bodies = new Map<number, Map<number, Uint8Array>>();
  let segment = 0;
  return {
    append({ body }) {
      const inSegment = bodies.get(segment) ?? new Map<number, Uint8Array>();
      bodies.set(segment, inSegment.set(inSegment.size, body));
      return Promise.resolve({ segment, offset: inSegment.size - 1, length: body.length });
    },
    rotate(next, oldest) {
      segment = next;
      for (const old of bodies.keys()) if (old < oldest) bodies.delete(old);
      return Promise.resolve();
    },
    read: (place) => Promise.resolve(bodies.get(place.segment)?.get(place.offset) ?? new Uint8Array()),
    close: () => Promise.resolve(),
  };
}
