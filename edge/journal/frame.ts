/**
 * The layout of records in a segment file: magic, kind, length, durable offset, CRC-32C, body. The durable offset says how much of the file was
 * safely on disk when the record was written. It tells a torn tail (never acknowledged) from damage to records that were safe before.
 */

import { crc32c } from "./crc32c.ts";

/** Magic 2, kind 1, body length 4, durable offset 4, checksum 4. */
export const FRAME_HEADER_BYTES = 15;

/** The writer refuses a longer body, and the reader takes it for damage. The longest record is a cut of all counters. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

const MAGIC = 0x504a;
const CHECKSUM_AT = 11;

export interface JournalRecord {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** Where reading ended, and why. `end` is the offset behind the last good record. */
export type ScanEnd =
  | { readonly kind: "whole"; readonly end: number }
  /** The bytes after `end` are a write that a power cut interrupted. */
  | { readonly kind: "torn"; readonly end: number }
  /** The record at `end` is bad, but a good one at `goodAt` shows that it was once safely on disk. */
  | { readonly kind: "damaged"; readonly end: number; readonly goodAt: number };

/** Bytes of a record in the file. */
export function frameBytes(record: JournalRecord): number {
  return FRAME_HEADER_BYTES + record.body.length;
}

/** The records, one after the other. Each segment has its own `salt`, so that bytes of another file are never taken for its records. */
export function encodeFrames(
  records: readonly JournalRecord[],
  segment: { readonly salt: number; readonly durable: number },
): Uint8Array {
  const out = new Uint8Array(records.reduce((sum, record) => sum + frameBytes(record), 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const record of records) {
    view.setUint16(at, MAGIC);
    view.setUint8(at + 2, record.kind);
    view.setUint32(at + 3, record.body.length);
    view.setUint32(at + 7, segment.durable);
    out.set(record.body, at + FRAME_HEADER_BYTES);
    view.setUint32(at + CHECKSUM_AT, checksum(out, at, record.body.length, segment.salt));
    at += frameBytes(record);
  }
  return out;
}

function checksum(bytes: Uint8Array, at: number, bodyLength: number, salt: number): number {
  const head = crc32c(bytes, at, at + CHECKSUM_AT, salt);
  return crc32c(bytes, at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + bodyLength, head);
}

interface Frame extends JournalRecord {
  readonly durable: number;
  readonly end: number;
}

/** The whole record at `at`, undefined where there is none. */
export function decodeFrame(bytes: Uint8Array, at: number, salt: number): Frame | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(at) !== MAGIC) return undefined;
  const length = view.getUint32(at + 3);
  const durable = view.getUint32(at + 7);
  const end = at + FRAME_HEADER_BYTES + length;
  if (length > MAX_RECORD_BYTES || end > bytes.length || durable > at) return undefined;
  if (view.getUint32(at + CHECKSUM_AT) !== checksum(bytes, at, length, salt)) return undefined;
  return { kind: view.getUint8(at + 2), body: bytes.subarray(at + FRAME_HEADER_BYTES, end), durable, end };
}

/** Visits the records from `start` on by their lengths, without looking at checksums: for a file that is only looked through. */
export function walkFrames(bytes: Uint8Array, start: number, visit: (record: JournalRecord) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + FRAME_HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint32(at + 3);
    const end = at + FRAME_HEADER_BYTES + length;
    if (view.getUint16(at) !== MAGIC || length > MAX_RECORD_BYTES || end > bytes.length) return;
    visit({ kind: view.getUint8(at + 2), body: bytes.subarray(at + FRAME_HEADER_BYTES, end) });
    at = end;
  }
}

/** Visits the good records from `start` on and says how the file ends. */
export function scanFrames(
  bytes: Uint8Array,
  start: number,
  salt: number,
  visit: (record: JournalRecord) => void,
): ScanEnd {
  let at = start;
  for (;;) {
    const frame = decodeFrame(bytes, at, salt);
    if (frame === undefined) break;
    visit(frame);
    at = frame.end;
  }
  if (at === bytes.length) return { kind: "whole", end: at };
  for (let later = at + 1; later + FRAME_HEADER_BYTES <= bytes.length; later++) {
    const frame = decodeFrame(bytes, later, salt);
    // This record was written when the bad place was already on disk, so that the damage came later.
    if (frame !== undefined && frame.durable > at) return { kind: "damaged", end: at, goodAt: later };
  }
  return { kind: "torn", end: at };
}
