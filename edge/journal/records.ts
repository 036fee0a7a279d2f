/** What the edge writes in its journal: shares in a compact binary form, the rest as JSON. */

import * as v from "valibot";
import type { CreditMode } from "../../shared/difficulty/work.ts";
import { CodedError } from "../../shared/errors.ts";
import type { JournalRecord } from "./frame.ts";

/** A credited share. It belongs to the epoch of the last epoch record before it. */
export interface ShareRecord {
  readonly job: number;
  readonly user: string;
  readonly worker: string;
  readonly nonce: Uint8Array;
  /** 64-bit target it had to meet. */
  readonly assigned: bigint;
  /** The first 8 bytes of its hash. */
  readonly reached: bigint;
  /** Unix milliseconds when it was accepted; statistics only. */
  readonly atMs: number;
  /** How long before that its line was read, whole milliseconds, MOST_WAIT_MS at most; undefined in journals of earlier versions. */
  readonly waitedMs: number | undefined;
  /** Its job could not be won any more when its line was read. */
  readonly late: boolean;
}

const height = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** One edge epoch's work for one job. */
export const tallyKey = {
  job: height,
  slot: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4095)),
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
};

/** From here on shares belong to this lease of a slot. `firstJob` is the newest job when it began; null: there was none. */
export const epochRecord = v.object({
  slot: tallyKey.slot,
  epoch: tallyKey.epoch,
  firstJob: v.nullable(height),
});

/** Shares of this job may follow. */
export const jobRecord = v.object({
  height,
  oprHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  credit: v.picklist(["assigned", "achieved"] satisfies CreditMode[]),
  /** The average that a share must beat to be submitted, decimal; 0 or missing (an older record): there is none. */
  threshold: v.optional(v.pipe(v.string(), v.regex(/^\d{1,20}$/))),
});

/**
 * Deltas that were cut together. `bodies` are the exact messages, numbered from `seq`. They hold every share of this job and epoch up to the
 * record numbered `through`, except those in earlier cuts.
 */
const cutRecord = v.object({ ...tallyKey, seq: count, through: count, bodies: v.array(v.string()) });

/** This epoch has nothing more for this job; its last delta is `lastSeq` (-1: none). */
const closeRecord = v.object({ ...tallyKey, lastSeq: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)) });

/** Nonce prefixes before this place in the slot's order may have been given out. */
const sessionsRecord = v.object({ slot: tallyKey.slot, next: count });

const prefixEntry = v.object({
  prefix: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff)),
  target: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{16}$/),
    v.transform((hex) => BigInt(`0x${hex}`)),
  ),
  holder: v.optional(v.object({ user: v.string(), worker: v.string() })),
  measured: v.optional(v.object({ address: v.string(), trusted: v.boolean() })),
});

/**
 * Nonce prefixes in the order in which they were given out, each with its holder and the target of its whole life. `again`: the prefixes were
 * recorded before, and this record counts.
 */
const prefixesRecord = v.object({ prefixes: v.array(prefixEntry), again: v.boolean() });

/** From here on miners are told to mine this job (again), or to stop. The prefixes in earlier records could be mined under up to this point. */
const runRecord = v.object({ job: height, running: v.boolean(), atMs: v.number() });

export type EpochRecord = v.InferOutput<typeof epochRecord>;
export type JobRecord = v.InferOutput<typeof jobRecord>;
export type CutRecord = v.InferOutput<typeof cutRecord>;
export type CloseRecord = v.InferOutput<typeof closeRecord>;
export type SessionsRecord = v.InferOutput<typeof sessionsRecord>;

export type PrefixesRecord = v.InferOutput<typeof prefixesRecord>;
export type RunRecord = v.InferOutput<typeof runRecord>;

export type EdgeRecord =
  | { readonly kind: "epoch"; readonly epoch: EpochRecord }
  | { readonly kind: "job"; readonly job: JobRecord }
  | { readonly kind: "share"; readonly share: ShareRecord }
  | { readonly kind: "cut"; readonly cut: CutRecord }
  | { readonly kind: "close"; readonly close: CloseRecord }
  | { readonly kind: "sessions"; readonly sessions: SessionsRecord }
  | { readonly kind: "prefixes"; readonly prefixes: PrefixesRecord }
  | { readonly kind: "run"; readonly run: RunRecord };

/** A late share has a kind of its own, so that journals of earlier versions can still be read. */
const KIND = {
  ...{ epoch: 1, job: 2, share: 3, cut: 4, close: 5, sessions: 6, prefixes: 7, run: 8, lateShare: 16 },
} as const;

export function encodeRecord(record: EdgeRecord): JournalRecord {
  switch (record.kind) {
    case "epoch":
      return { kind: KIND.epoch, body: jsonBytes(record.epoch) };
    case "job":
      return { kind: KIND.job, body: jsonBytes(record.job) };
    case "share":
      return {
        kind: record.share.late ? KIND.lateShare : KIND.share,
        body: encodeShare(record.share),
      };
    case "cut":
      return { kind: KIND.cut, body: jsonBytes(record.cut) };
    case "close":
      return { kind: KIND.close, body: jsonBytes(record.close) };
    case "sessions":
      return { kind: KIND.sessions, body: jsonBytes(record.sessions) };
    case "prefixes":
      return { kind: KIND.prefixes, body: encodePrefixes(record.prefixes) };
    case "run":
      return { kind: KIND.run, body: jsonBytes(record.run) };
  }
}

/** Throws CodedError `journal-version`: the record is whole, but not of a form this version writes. */
export function decodeRecord({ kind, body }: JournalRecord): EdgeRecord {
  try {
    switch (kind) {
      case KIND.epoch:
        return { kind: "epoch", epoch: v.parse(epochRecord, parseJson(body)) };
      case KIND.job:
        return { kind: "job", job: v.parse(jobRecord, parseJson(body)) };
      case KIND.share:
        return { kind: "share", share: decodeShare(body, false) };
      case KIND.lateShare:
        return { kind: "share", share: decodeShare(body, true) };
      case KIND.cut:
        return { kind: "cut", cut: v.parse(cutRecord, parseJson(body)) };
      case KIND.close:
        return { kind: "close", close: v.parse(closeRecord, parseJson(body)) };
      case KIND.sessions:
        return { kind: "sessions", sessions: v.parse(sessionsRecord, parseJson(body)) };
      case KIND.prefixes:
        return { kind: "prefixes", prefixes: v.parse(prefixesRecord, parseJson(body)) };
      case KIND.run:
        return { kind: "run", run: v.parse(runRecord, parseJson(body)) };
    }
  } catch (cause) {
    throw unknownRecord(kind, cause);
  }
  throw unknownRecord(kind);
}

/** Whether it is a record of this kind, without decoding it. */
export function mayBe(kind: "epoch" | "cut", record: JournalRecord): boolean {
  return record.kind === KIND[kind];
}

/** Whether it is a share with this nonce, without decoding it. */
export function isShareOf({ kind, body }: JournalRecord, nonce: Uint8Array): boolean {
  if (kind !== KIND.share && kind !== KIND.lateShare) return false;
  if (body[28] !== nonce.length) return false;
  return nonce.every((byte, i) => body[SHARE_HEAD_BYTES + i] === byte);
}

function unknownRecord(kind: number, cause?: unknown): CodedError {
  return new CodedError(
    "journal-version",
    `the journal holds a record of kind ${kind} that this version cannot read: start the version that wrote it`,
    { cause },
  );
}

function jsonBytes(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function parseJson(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body));
}

function encodePrefixes({ prefixes, again }: PrefixesRecord): Uint8Array {
  return jsonBytes({
    again,
    prefixes: prefixes.map(({ prefix, target, holder, measured }) => ({
      ...{ prefix, target: target.toString(16).padStart(16, "0"), holder, measured },
    })),
  });
}

/** job 4, assigned 8, reached 8, time 8, then the lengths of nonce, user and worker. */
const SHARE_HEAD_BYTES = 31;
/** Behind the three texts, where earlier versions read nothing. */
const WAIT_BYTES = 2;
export const MOST_WAIT_MS = 0xffff;

function encodeShare(share: ShareRecord): Uint8Array {
  const { job, user, worker, nonce, assigned, reached, atMs, waitedMs } = share;
  const longest = Math.max(nonce.length, user.length, worker.length);
  if (longest > 0xff) throw new RangeError(`a share's field has at most 255 bytes, got ${longest}`);
  DRAFT_VIEW.setUint32(0, job);
  DRAFT_VIEW.setBigUint64(4, assigned);
  DRAFT_VIEW.setBigUint64(12, reached);
  DRAFT_VIEW.setFloat64(20, atMs);
  DRAFT[28] = nonce.length;
  DRAFT[29] = user.length;
  DRAFT[30] = worker.length;
  DRAFT.set(nonce, SHARE_HEAD_BYTES);
  writeName(user, SHARE_HEAD_BYTES + nonce.length);
  writeName(worker, SHARE_HEAD_BYTES + nonce.length + user.length);
  const end = SHARE_HEAD_BYTES + nonce.length + user.length + worker.length;
  if (waitedMs !== undefined) DRAFT_VIEW.setUint16(end, waitedMs);
  // From Node's pool: an array of its own for each share costs the garbage collector more than the share.
  const body = Buffer.allocUnsafe(end + (waitedMs === undefined ? 0 : WAIT_BYTES));
  DRAFT.copy(body, 0, 0, body.length);
  return body;
}

/** A record is written here and then copied: a view for each share would be as large as the share. */
const DRAFT = Buffer.alloc(SHARE_HEAD_BYTES + 3 * 0xff + WAIT_BYTES);
const DRAFT_VIEW = new DataView(DRAFT.buffer, DRAFT.byteOffset, DRAFT.byteLength);

/** Names are ASCII. By hand: for so few letters a call into Node takes longer. */
function writeName(name: string, at: number): void {
  for (let i = 0; i < name.length; i++) DRAFT[at + i] = name.charCodeAt(i);
}

function decodeShare(body: Uint8Array, late: boolean): ShareRecord {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = SHARE_HEAD_BYTES;
  const take = (index: number): Uint8Array => {
    const end = at + view.getUint8(28 + index);
    if (end > body.length) throw new RangeError("a share record is too short for its fields");
    const part = new Uint8Array(body.subarray(at, end));
    at = end;
    return part;
  };
  const nonce = take(0);
  const user = Buffer.from(take(1)).toString("latin1");
  const worker = Buffer.from(take(2)).toString("latin1");
  return {
    job: view.getUint32(0),
    assigned: view.getBigUint64(4),
    reached: view.getBigUint64(12),
    atMs: view.getFloat64(20),
    waitedMs: at + WAIT_BYTES <= body.length ? view.getUint16(at) : undefined,
    nonce,
    user,
    worker,
    late,
  };
}
