/**
 * The devnet's disk: an append-only log of records, cut into segments. Each record is synced before it counts; a tail torn by a crash is
 * cut off at the next start. Old segments are deleted whole.
 */

import { type FileHandle, mkdir, open, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { concat, u32ToBytes } from "../../shared/bytes.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { syncFolder } from "../durable-file.ts";

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
const SEGMENT_NAME = /^chain-(\d{9})\.log$/;

const segmentPath = (folder: string, segment: number): string =>
  join(folder, `chain-${String(segment).padStart(9, "0")}.log`);

/**
 * Opens the log in `folder` and hands each whole record to `onRecord`, in order. Throws CodedError `devnet-data-damaged` where a
 * record is broken that is not the last.
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
  for (const segment of segments) {
    const path = segmentPath(folder, segment);
    const { end, size } = await readSegment(path, segment, onRecord);
    if (end === size) continue;
    if (segment !== segments.at(-1))
      throw new CodedError(
        "devnet-data-damaged",
        `${path} is damaged at byte ${end} of ${size}: move the folder away to start a new chain`,
      );
    logger.warn("cut off a block that was not written whole", { path, from: end, size });
    await truncate(path, end);
  }
  return createBlockLog(folder, segments);
}

function createBlockLog(folder: string, existing: readonly number[]): BlockLog {
  const kept = new Set(existing);
  let segment = existing.at(-1) ?? 0;
  let file: FileHandle | undefined;
  const current = async (): Promise<FileHandle> => {
    if (file === undefined) {
      file = await open(segmentPath(folder, segment), "a+");
      if (!kept.has(segment)) await syncFolder(folder);
      kept.add(segment);
    }
    return file;
  };
  return {
    async append({ header, body }) {
      const bytes = new TextEncoder().encode(JSON.stringify(header));
      const target = await current();
      const { size } = await target.stat();
      const sum = crc32(body, crc32(bytes));
      const prefix = concat(u32ToBytes(bytes.length), u32ToBytes(body.length), u32ToBytes(sum));
      await target.appendFile(concat(prefix, bytes, body));
      await target.sync();
      return { segment, offset: size + PREFIX_BYTES + bytes.length, length: body.length };
    },
    async rotate(next, oldest) {
      await file?.close();
      file = undefined;
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

/** Reads whole records; `end` is where the first broken one begins. */
async function readSegment(
  path: string,
  segment: number,
  onRecord: (header: unknown, place: BodyPlace) => void,
): Promise<{ readonly end: number; readonly size: number }> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    let at = 0;
    while (at + PREFIX_BYTES <= size) {
      const prefix = Buffer.alloc(PREFIX_BYTES);
      await file.read(prefix, 0, PREFIX_BYTES, at);
      const headerLength = prefix.readUInt32BE(0);
      const bodyLength = prefix.readUInt32BE(4);
      const end = at + PREFIX_BYTES + headerLength + bodyLength;
      if (end > size) break;
      const bytes = Buffer.alloc(headerLength + bodyLength);
      await file.read(bytes, 0, bytes.length, at + PREFIX_BYTES);
      if (crc32(bytes) !== prefix.readUInt32BE(8)) break;
      const header: unknown = JSON.parse(bytes.toString("utf8", 0, headerLength));
      onRecord(header, { segment, offset: at + PREFIX_BYTES + headerLength, length: bodyLength });
      at = end;
    }
    return { end: at, size };
  } finally {
    await file.close();
  }
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
