/** Reads the journal after a stop of any kind: every whole record in order. A half-written end is cut off; any other damage is an error. */

import { join } from "node:path";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Disk } from "./disk.ts";
import { type JournalRecord, scanFrames } from "./frame.ts";
import { decodeHeader, type SegmentHeader, segmentName, segmentNumber } from "./segment.ts";

/** A record with its own number and the number of its file. */
export interface NumberedRecord extends JournalRecord {
  readonly number: number;
  readonly segment: number;
}

export interface JournalConsumer {
  /** The state in the header of the oldest file; "" for an empty journal. Called once, first. */
  start(state: string): void;
  record(record: NumberedRecord): void;
}

export interface SegmentExtent {
  readonly segment: number;
  readonly bytes: number;
}

/** Where the next record goes. */
export interface JournalEnd {
  readonly nextSegment: number;
  readonly nextRecord: number;
  readonly segments: readonly SegmentExtent[];
}

/**
 * Gives `reader` every whole record, and leaves files that hold only whole records. Rejects with CodedError `journal-damaged`
 * (a file is missing, or a record that was once safely on disk is bad), `disk-failed` or `disk-full`.
 */
export async function readJournal(
  folder: string,
  reader: JournalConsumer,
  modules: { readonly disk: Disk; readonly logger: Logger },
): Promise<JournalEnd> {
  const { disk } = modules;
  await disk.makeFolder(folder);
  const names = await disk.list(folder);
  // A file under its temporary name was never used.
  for (const name of names) if (name.endsWith(".tmp")) await disk.remove(join(folder, name));
  const numbers = names.map(segmentNumber).filter((number) => number !== undefined);
  const segments: SegmentExtent[] = [];
  let nextRecord = 1;
  for (const [index, number] of numbers.entries()) {
    const path = join(folder, segmentName(number));
    const bytes = await disk.read(path);
    const { header, end } = readHeader(path, bytes);
    if (index === 0) {
      nextRecord = header.firstRecord;
      reader.start(header.state);
    } else {
      checkContinues(path, header, (numbers[index - 1] ?? 0) + 1, nextRecord);
    }
    const scan = scanFrames(bytes, end, header.salt, (record) => {
      reader.record({ ...record, number: nextRecord, segment: number });
      nextRecord += 1;
    });
    const last = index === numbers.length - 1;
    if (scan.kind === "damaged" || (scan.kind === "torn" && !last)) throw damaged(path, scan.end);
    if (scan.kind === "torn") {
      modules.logger.warn(
        "cut off the end of the journal, which a crash left half written; nothing in it was acknowledged",
        {
          file: path,
          offset: scan.end,
          bytes: bytes.length - scan.end,
        },
      );
    }
    if (last) await rewrite(folder, number, bytes.subarray(0, scan.end), disk);
    segments.push({ segment: number, bytes: scan.end });
  }
  if (numbers.length === 0) reader.start("");
  return { nextSegment: (numbers.at(-1) ?? 0) + 1, nextRecord, segments };
}

function readHeader(path: string, bytes: Uint8Array): { header: SegmentHeader; end: number } {
  const decoded = decodeHeader(bytes);
  // A file gets its name only when its header is on disk, so that this cannot be a half-written file.
  if (decoded === undefined) throw damaged(path, 0);
  if (segmentNumber(path.slice(-segmentName(0).length)) !== decoded.header.segment) throw damaged(path, 0);
  return decoded;
}

function checkContinues(path: string, header: SegmentHeader, segment: number, record: number): void {
  if (header.segment === segment && header.firstRecord === record) return;
  throw new CodedError(
    "journal-damaged",
    `the journal has a hole before ${path}: expected segment ${segment} with record ${record} first, got segment ${header.segment} ` +
      `with record ${header.firstRecord}. Put the missing files back; only if they are lost for good, move this and all later ` +
      "*.journal files out of the folder: the acknowledged shares in them are then not credited",
    { data: { file: path, expectedSegment: segment, expectedRecord: record } },
  );
}

function damaged(path: string, offset: number): CodedError {
  return new CodedError(
    "journal-damaged",
    `the journal file ${path} has a bad record at offset ${offset}, in a part that was safely on disk: the disk or another program ` +
      "changed it. Restore the file from a copy; only if there is none, move it and all later *.journal files out of the folder: " +
      "the acknowledged shares in them are then not credited",
    { data: { file: path, offset } },
  );
}

/**
 * Writes the last file anew. This cuts off a torn tail in one step. It also makes records durable that were only in the page cache: after a
 * failed fsync a file can be read back whole although less of it is on disk.
 */
async function rewrite(folder: string, segment: number, bytes: Uint8Array, disk: Disk): Promise<void> {
  const path = join(folder, segmentName(segment));
  const file = await disk.create(`${path}.tmp`);
  try {
    await file.append(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.tmp`, path);
  await disk.syncFolder(folder);
}
