/**
 * A file of the archive: the deltas that are booked into one sealed block, or a part of them where they are many, in the order of their keys. Lines of
 * JSON, first a head, compressed with brotli. It is named and hashed by its lines, so that the same rows give the same file whatever compresses them.
 */

import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";
import * as v from "valibot";
import { CodedError, coerceError } from "../errors.ts";
import { sha256Hex } from "../sha256.ts";
import type { ArchiveStore } from "./store.ts";

/** As the database has it; `epoch` is decimal text. */
export interface DeltaKey {
  readonly job: number;
  readonly slot: number;
  readonly epoch: string;
  readonly seq: number;
}

export interface ArchivedDelta extends DeltaKey {
  /** Of `body`, the bytes as the edge sent them. */
  readonly sha256: string;
  readonly body: string;
}

export interface BlockPart {
  readonly height: number;
  /** From 0. */
  readonly part: number;
  readonly deltas: readonly ArchivedDelta[];
}

/** What tells a file from all others. */
export interface FileIdentity {
  readonly height: number;
  readonly part: number;
  /** Of the lines. */
  readonly sha256: string;
}

const HEIGHTS_A_FOLDER = 10_000;
/** Five times the speed of the slowest for nearly its size: 22 times smaller. */
const OPTIONS = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
/** Far above what a part may hold: a file from elsewhere cannot fill the memory. */
const MOST_BYTES = 64 * 1024 * 1024;
const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

const head = v.strictObject({
  prosper: v.literal("deltas"),
  v: v.literal(1),
  block: v.number(),
  part: v.number(),
});
const line = v.strictObject({
  job: v.number(),
  slot: v.number(),
  epoch: v.string(),
  seq: v.number(),
  sha256: v.string(),
  body: v.string(),
});

export function contentOf({ height, part, deltas }: BlockPart): string {
  const lines = [
    { prosper: "deltas", v: 1, block: height, part },
    ...deltas.map(({ job, slot, epoch, seq, sha256, body }) => ({ job, slot, epoch, seq, sha256, body })),
  ];
  return lines.map((one) => `${JSON.stringify(one)}\n`).join("");
}

/** Where a store has it. */
export function fileName({ height, part, sha256 }: FileIdentity): string {
  const folder = `${height - (height % HEIGHTS_A_FOLDER)}`.padStart(10, "0");
  return `${folder}/${`${height}`.padStart(10, "0")}-${part}-${sha256}.jsonl.br`;
}

export function compressed(content: string): Promise<Uint8Array> {
  return compress(Buffer.from(content, "utf8"), OPTIONS);
}

/**
 * Reads a file and compares everything in it with what it is to be: the hash of its lines, its head, each body's hash. Throws CodedErrors
 * `archive-missing` and `archive-damaged`.
 */
export async function readBlockFile(
  store: ArchiveStore,
  identity: FileIdentity,
): Promise<readonly ArchivedDelta[]> {
  const name = fileName(identity);
  const stored = await store.get(name);
  if (stored === undefined)
    throw new CodedError(
      "archive-missing",
      `the archive has no file ${name} in ${store.place}: bring it back from a backup, or name the right place (archive.folder)`,
    );
  const content = await decompress(stored, { maxOutputLength: MOST_BYTES })
    .then((bytes) => bytes.toString("utf8"))
    .catch((thrown: unknown) => damaged(name, store, coerceError(thrown).message));
  const found = sha256Hex(content);
  if (found !== identity.sha256) damaged(name, store, `its lines have the hash ${found}`);
  const [first = "", ...rest] = content.split("\n").slice(0, -1);
  const top = v.safeParse(v.pipe(v.string(), v.parseJson(), head), first);
  if (!top.success || top.output.block !== identity.height || top.output.part !== identity.part)
    damaged(name, store, `its head is ${first.slice(0, 100)}`);
  return rest.map((text) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), line), text);
    if (!parsed.success) return damaged(name, store, `a line is none: ${text.slice(0, 100)}`);
    const { sha256, body } = parsed.output;
    if (sha256Hex(body) !== sha256) damaged(name, store, `a body does not have its hash ${sha256}`);
    return parsed.output;
  });
}

function damaged(name: string, { place }: ArchiveStore, why: string): never {
  throw new CodedError(
    "archive-damaged",
    `the archive's file ${name} in ${place} is not what it was written as: ${why}. Move it away; bring it back from a backup, or let the pool write it again while the database still has the bodies`,
  );
}

/** Hash over keys and hashes, as the database makes it (0080_archive.sql). */
export function keysSha256(deltas: readonly ArchivedDelta[]): string {
  return sha256Hex(
    deltas.map(({ job, slot, epoch, seq, sha256 }) => `${job}/${slot}/${epoch}/${seq} ${sha256}\n`).join(""),
  );
}
