/** One journal file: its name, and its header record, with which it can be read without the files before it. */

import * as v from "valibot";
import { parseJson } from "../../shared/json-source.ts";
import { decodeFrame, encodeFrames } from "./frame.ts";

/** The header's kind; other records start at 1. */
export const HEADER_KIND = 0;

const FORMAT = 1;
const NAME = /^(\d{8})\.journal$/;

const headerSchema = v.object({
  v: v.literal(FORMAT),
  segment: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Number of the first record; records are counted from 1 over the journal's whole life. */
  firstRecord: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Start value of this file's checksums. */
  salt: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff)),
  /** All that a reader without the earlier files must know; the journal's user decides what that is. */
  state: v.string(),
});

export type SegmentHeader = v.InferOutput<typeof headerSchema>;

export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, "0")}.journal`;
}

/** The number in a segment's file name; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeHeader(header: Omit<SegmentHeader, "v">): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify({ v: FORMAT, ...header }));
  return encodeFrames([{ kind: HEADER_KIND, body }], { salt: 0, durable: 0 });
}

/** The header, and the offset after it; undefined if the file does not begin with a header that this version can read. */
export function decodeHeader(
  bytes: Uint8Array,
): { readonly header: SegmentHeader; readonly end: number } | undefined {
  const frame = decodeFrame(bytes, 0, 0);
  if (frame === undefined || frame.kind !== HEADER_KIND) return undefined;
  const parsed = v.safeParse(headerSchema, parseJson(new TextDecoder().decode(frame.body)));
  return parsed.success ? { header: parsed.output, end: frame.end } : undefined;
}
