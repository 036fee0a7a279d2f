/** The edge's journal. Records become durable in groups: one write and one fdatasync for all that wait (docs/design.md, "The journal"). */

import { join } from "node:path";
import { bytesToU64 } from "../../shared/bytes.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { encodeFrames, frameBytes, type JournalRecord, MAX_RECORD_BYTES } from "./frame.ts";
import type { JournalEnd, SegmentExtent } from "./read-journal.ts";
import { encodeHeader, segmentName } from "./segment.ts";

export interface JournalOptions {
  readonly folder: string;
  /** When a file is this long, a new one follows. At most 1 GiB. */
  readonly segmentBytes?: number;
  /** The limit of all files together; above it, appends answer `full`. */
  readonly maxBytes?: number;
  /** The most records that are written together. */
  readonly groupRecords?: number;
  /** The most records that may wait; above it, `append` answers `full`. */
  readonly queueLimit?: number;
}

export interface JournalModules {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Makes the text for a new file's header: all that a reader without the earlier files must know. Called when all earlier records are durable. */
  readonly state: () => string;
  /** Takes a file that is not needed any more out of the journal's folder; without it the file is removed. */
  readonly free?: (path: string, bytes: number) => Promise<void>;
  /** The disk is full: whatever can give it room does. */
  readonly onFull?: () => void;
  /** The disk failed in a way after which nothing can be promised: the process must end, and the next one recovers. */
  readonly onFailure: (error: CodedError) => void;
}

/** `full`: the record is not in the journal, neither now nor after a restart. `failed`: after a restart it may be there or not. */
export type AppendOutcome =
  | { readonly kind: "durable" }
  | { readonly kind: "full" }
  | { readonly kind: "failed" };

/** Where a durable record stands. */
export interface RecordPlace {
  readonly number: number;
  readonly segment: number;
}

/** Who put a record there. Neither may throw. */
export interface RecordHooks {
  /** Runs in the order of the records, in the same turn for a whole group, before any `onEnd` of the group. */
  readonly onDurable: (place: RecordPlace) => void;
  /** The record is durable or can no longer become so. */
  readonly onEnd: (outcome: AppendOutcome) => void;
}

interface Waiting {
  readonly record: JournalRecord;
  readonly hooks: RecordHooks;
}

interface OpenSegment {
  readonly number: number;
  readonly salt: number;
  readonly file: DiskFile;
  bytes: number;
  readonly headerBytes: number;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const MAX_BYTES = 4 * 1024 * 1024 * 1024;
const GROUP_RECORDS = 512;
const QUEUE_LIMIT = 16_384;
/** The most bytes in a group (a single record may be longer). */
const GROUP_BYTES = 4 * 1024 * 1024;
/** How long the journal waits after a full disk before it tries a record again. */
const FULL_PAUSE_MS = 500;

/** The writer. It continues where `readJournal` ended. */
export class Journal {
  readonly #options: Required<JournalOptions>;
  readonly #modules: JournalModules;
  readonly #closed: SegmentExtent[];
  /** Of the closed files: asked for each share. */
  #closedBytes: number;
  #segment: OpenSegment | undefined;
  #nextSegment: number;
  #nextRecord: number;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #rotateNext = false;
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  /** The operator has been told. */
  #isFull = false;
  /** When the write under way began, monotonic. */
  #writingSinceMs: number | undefined;
  #state: "open" | "failed" | "closed" = "open";

  constructor(options: JournalOptions, end: JournalEnd, modules: JournalModules) {
    this.#options = {
      segmentBytes: SEGMENT_BYTES,
      maxBytes: MAX_BYTES,
      groupRecords: GROUP_RECORDS,
      queueLimit: QUEUE_LIMIT,
      ...options,
    };
    this.#modules = modules;
    this.#closed = [...end.segments];
    this.#closedBytes = end.segments.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#nextSegment = end.nextSegment;
    this.#nextRecord = end.nextRecord;
  }

  /** Resolves when the record is durable or can no longer become so. `onDurable` as in RecordHooks. */
  append(
    record: JournalRecord,
    onDurable: (place: RecordPlace) => void = () => undefined,
  ): Promise<AppendOutcome> {
    return new Promise((onEnd) => this.put(record, { onDurable, onEnd }));
  }

  /** As `append`, without a promise: there is one of these for each share. */
  put(record: JournalRecord, hooks: RecordHooks): void {
    if (record.body.length > MAX_RECORD_BYTES)
      throw new RangeError(
        `a journal record has at most ${MAX_RECORD_BYTES} bytes, got ${record.body.length}`,
      );
    if (this.#state !== "open") hooks.onEnd({ kind: "failed" });
    else if (!this.canAppend()) hooks.onEnd({ kind: "full" });
    else {
      this.#waiting.push({ record, hooks });
      this.#flushing ??= this.#flush();
    }
  }

  /**
   * False while an append would be refused: the disk was full a moment ago, too many records wait, the files have reached their limit, or the disk
   * failed.
   */
  canAppend(): boolean {
    return (
      this.#state === "open" &&
      this.#waiting.length < this.#options.queueLimit &&
      this.#modules.clock.monotonicMs() >= this.#fullUntilMs &&
      this.bytes() < this.#options.maxBytes
    );
  }

  /** True while nothing can be kept, and not only for a moment: the disk is full or failed, or the files have reached their limit. */
  isFull(): boolean {
    return this.#isFull || this.#state !== "open" || this.bytes() >= this.#options.maxBytes;
  }

  /** Nothing can be appended any more. */
  failed(): boolean {
    return this.#state === "failed";
  }

  /** How long the write under way has taken so far; 0 when there is none. */
  stuckMs(): number {
    return this.#writingSinceMs === undefined ? 0 : this.#modules.clock.monotonicMs() - this.#writingSinceMs;
  }

  /** Number of the newest durable record; 0 when there is none. */
  lastRecord(): number {
    return this.#nextRecord - 1;
  }

  /** The next group begins a new file, unless the present one is empty. */
  rotate(): void {
    this.#rotateNext = true;
  }

  /** Bytes of all files. */
  bytes(): number {
    return this.#closedBytes + (this.#segment?.bytes ?? 0);
  }

  /** Numbers of the files that are no longer written to, oldest first. */
  closedSegments(): number[] {
    return this.#closed.map(({ segment }) => segment);
  }

  /** Removes the oldest file, which must be a closed one. */
  async freeOldest(): Promise<void> {
    const [oldest] = this.#closed;
    if (oldest === undefined) throw new RangeError("there is no closed journal file to free");
    const { disk, free } = this.#modules;
    const path = join(this.#options.folder, segmentName(oldest.segment));
    await (free === undefined ? disk.remove(path) : free(path, oldest.bytes));
    // The disk must have done one removal before the next: a gap in the row of files would be refused at the next start.
    await this.#modules.disk.syncFolder(this.#options.folder);
    this.#closed.shift();
    this.#closedBytes -= oldest.bytes;
  }

  /** Writes what waits, then closes the file. */
  async close(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#state === "open") this.#state = "closed";
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.file.close().catch(() => undefined);
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0 && this.#state === "open") {
      // What is appended in the same turn goes along. Nothing waits for company: what comes while a group is written is the next one.
      await undefined;
      const group = this.#takeGroup();
      this.#writingSinceMs = this.#modules.clock.monotonicMs();
      try {
        await this.#write(group);
      } catch (thrown) {
        this.#refuse(group, coerceError(thrown));
      }
      this.#writingSinceMs = undefined;
    }
    this.#flushing = undefined;
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      bytes += frameBytes(record);
      if (count > 0 && (count >= this.#options.groupRecords || bytes > GROUP_BYTES)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const segment = await this.#segmentToWrite();
    const records = group.map(({ record }) => record);
    const frames = encodeFrames(records, { salt: segment.salt, durable: segment.bytes });
    try {
      await segment.file.append(frames);
    } catch (thrown) {
      await this.#cutBack(segment);
      throw thrown;
    }
    await this.#sync(segment.file);
    segment.bytes += frames.length;
    const first = this.#nextRecord;
    this.#nextRecord += group.length;
    group.forEach(({ hooks }, index) => {
      hooks.onDurable({ number: first + index, segment: segment.number });
    });
    for (const { hooks } of group) hooks.onEnd({ kind: "durable" });
    if (this.#isFull) this.#modules.logger.warn("the journal's disk has room again: shares are taken");
    this.#isFull = false;
  }

  /** Cuts the file back to the last whole record. If that fails, the file cannot be used any more. */
  async #cutBack(segment: OpenSegment): Promise<void> {
    try {
      await segment.file.truncate(segment.bytes);
    } catch (thrown) {
      const error = coerceError(thrown);
      throw new CodedError(
        "journal-failed",
        `half a record could not be cut off the journal (${error.message})`,
        {
          cause: error,
        },
      );
    }
  }

  /** Never retried: after a failed fdatasync nobody knows what is on disk, and a second one may wrongly succeed. */
  async #sync(file: DiskFile): Promise<void> {
    try {
      await file.sync();
    } catch (thrown) {
      const error = coerceError(thrown);
      throw new CodedError(
        "journal-failed",
        `the disk could not make the journal durable (${error.message}): check the disk, then start again; what was acknowledged is safe`,
        { cause: error },
      );
    }
  }

  async #segmentToWrite(): Promise<OpenSegment> {
    const current = this.#segment;
    const used = current !== undefined && current.bytes > current.headerBytes;
    const due = this.#rotateNext || (current?.bytes ?? 0) >= this.#options.segmentBytes;
    if (current !== undefined && !(used && due)) {
      // An empty file serves as a new one.
      if (!used) this.#rotateNext = false;
      return current;
    }
    const next = await this.#openSegment();
    if (current !== undefined) {
      this.#closed.push({ segment: current.number, bytes: current.bytes });
      this.#closedBytes += current.bytes;
      await current.file.close().catch((error: unknown) =>
        this.#modules.logger.warn("could not close a journal file that is complete", {
          error: coerceError(error).message,
        }),
      );
    }
    this.#segment = next;
    this.#rotateNext = false;
    return next;
  }

  /** The file gets its name only when its header is on disk. So a file with a name always has a whole header. */
  async #openSegment(): Promise<OpenSegment> {
    const { disk, random, state } = this.#modules;
    const number = this.#nextSegment;
    const path = join(this.#options.folder, segmentName(number));
    const salt = Number(bytesToU64(random(8)) & 0xffff_ffffn);
    const header = encodeHeader({ segment: number, firstRecord: this.#nextRecord, salt, state: state() });
    const file = await disk.create(`${path}.tmp`);
    try {
      await file.append(header);
      await this.#sync(file);
      await disk.rename(`${path}.tmp`, path);
      await disk.syncFolder(this.#options.folder);
    } catch (thrown) {
      await file.close().catch(() => undefined);
      throw thrown;
    }
    this.#nextSegment += 1;
    return { number, salt, file, bytes: header.length, headerBytes: header.length };
  }

  #refuse(group: readonly Waiting[], error: Error): void {
    const full = error instanceof CodedError && error.code === "disk-full";
    if (full) {
      this.#fullUntilMs = this.#modules.clock.monotonicMs() + FULL_PAUSE_MS;
      if (!this.#isFull)
        this.#modules.logger.error(
          "the journal's disk is full: shares are refused as busy until there is room",
          { error: error.message },
        );
      this.#isFull = true;
      this.#modules.onFull?.();
      for (const { hooks } of group) hooks.onEnd({ kind: "full" });
      return;
    }
    this.#fail(error);
    for (const { hooks } of [...group, ...this.#waiting.splice(0)]) hooks.onEnd({ kind: "failed" });
  }

  #fail(cause: Error): void {
    this.#state = "failed";
    const segment = this.#segment;
    this.#segment = undefined;
    segment?.file.close().catch(() => undefined);
    const error =
      cause instanceof CodedError && cause.code === "journal-failed"
        ? cause
        : new CodedError(
            "journal-failed",
            `the journal cannot go on: ${cause.message}: check the disk, then start again`,
            {
              cause,
            },
          );
    this.#modules.logger.error("the journal failed; this process must end", { error: error.message });
    this.#modules.onFailure(error);
  }
}
