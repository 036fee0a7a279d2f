/** Directory and entry blocks: reading, writing, and the key Merkle roots that name them (Factom data structures). */

import { concat, fromHex, toHex, u32ToBytes } from "../bytes.ts";
import { sha256, sha256Hex } from "../sha256.ts";

/** A directory block: which chains have entries at a height. All hashes are hex. */
export interface DirectoryBlock {
  readonly networkId: string;
  readonly prevKeyMr: string;
  readonly prevFullHash: string;
  /** Start of the block, in minutes since 1970. */
  readonly timestampMinutes: number;
  readonly height: number;
  /** In ascending order of chain id. */
  readonly entryBlocks: readonly { readonly chainId: string; readonly keyMr: string }[];
}

/** An entry block: the entries of one chain at one height. */
export interface EntryBlock {
  readonly chainId: string;
  readonly prevKeyMr: string;
  readonly prevFullHash: string;
  readonly sequence: number;
  readonly height: number;
  /** In the order of the chain; minutes 1 to 10, ascending. */
  readonly entries: readonly { readonly hash: string; readonly minute: number }[];
}

/** The block's names: KeyMR, by which it is asked for, and the hash of all its bytes. */
export interface BlockHashes {
  readonly keyMr: string;
  readonly fullHash: string;
  readonly bodyMr: string;
  readonly headerHash: string;
}

export type BlockFault = "length" | "version" | "order" | "minutes" | "body-root";

export type ParsedBlock<T> =
  | { readonly ok: true; readonly block: T; readonly hashes: BlockHashes }
  | { readonly ok: false; readonly reason: BlockFault };

export interface EncodedBlock {
  readonly raw: Uint8Array;
  readonly hashes: BlockHashes;
}

const DBLOCK_HEADER_BYTES = 113;
const EBLOCK_HEADER_BYTES = 140;
const HASH_BYTES = 32;
/** Admin, entry-credit and factoid block come with every directory block. */
const DBLOCK_CHAINS_MIN = 3;

export function encodeDirectoryBlock(block: DirectoryBlock): EncodedBlock {
  const chains = block.entryBlocks.map((eblock) => fromHex(eblock.chainId + eblock.keyMr));
  const bodyMr = directoryBodyRoot(chains);
  const header = concat(
    Uint8Array.of(0),
    fromHex(block.networkId),
    bodyMr,
    fromHex(block.prevKeyMr),
    fromHex(block.prevFullHash),
    u32ToBytes(block.timestampMinutes),
    u32ToBytes(block.height),
    u32ToBytes(chains.length),
  );
  const raw = concat(header, ...chains);
  return { raw, hashes: blockHashes(raw, header, bodyMr) };
}

/** Reads a directory block and checks its body root. The caller compares `hashes.keyMr` with what it asked for. */
export function parseDirectoryBlock(raw: Uint8Array): ParsedBlock<DirectoryBlock> {
  if (raw.length < DBLOCK_HEADER_BYTES + DBLOCK_CHAINS_MIN * 2 * HASH_BYTES)
    return { ok: false, reason: "length" };
  if (raw[0] !== 0) return { ok: false, reason: "version" };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const chains = split(raw.subarray(DBLOCK_HEADER_BYTES), 2 * HASH_BYTES);
  if (chains?.length !== view.getUint32(109)) return { ok: false, reason: "length" };
  const entryBlocks = chains.map((chain) => ({
    chainId: toHex(chain.subarray(0, HASH_BYTES)),
    keyMr: toHex(chain.subarray(HASH_BYTES)),
  }));
  if (entryBlocks.some((chain, i) => chain.chainId <= (entryBlocks[i - 1]?.chainId ?? "")))
    return { ok: false, reason: "order" };
  const bodyMr = directoryBodyRoot(chains);
  const hashes = blockHashes(raw, raw.subarray(0, DBLOCK_HEADER_BYTES), bodyMr);
  if (hashes.bodyMr !== toHex(raw.subarray(5, 37))) return { ok: false, reason: "body-root" };
  const block: DirectoryBlock = {
    networkId: toHex(raw.subarray(1, 5)),
    prevKeyMr: toHex(raw.subarray(37, 69)),
    prevFullHash: toHex(raw.subarray(69, 101)),
    timestampMinutes: view.getUint32(101),
    height: view.getUint32(105),
    entryBlocks,
  };
  return { ok: true, block, hashes };
}

export function encodeEntryBlock(block: EntryBlock): EncodedBlock {
  const objects = withMinuteMarkers(block.entries);
  const bodyMr = merkleRoot(objects);
  const header = concat(
    fromHex(block.chainId),
    bodyMr,
    fromHex(block.prevKeyMr),
    fromHex(block.prevFullHash),
    u32ToBytes(block.sequence),
    u32ToBytes(block.height),
    u32ToBytes(objects.length),
  );
  const raw = concat(header, ...objects);
  return { raw, hashes: blockHashes(raw, header, bodyMr) };
}

/** Reads an entry block and checks its body root. The caller compares `hashes.keyMr` with what it asked for. */
export function parseEntryBlock(raw: Uint8Array): ParsedBlock<EntryBlock> {
  if (raw.length < EBLOCK_HEADER_BYTES + 2 * HASH_BYTES) return { ok: false, reason: "length" };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const objects = split(raw.subarray(EBLOCK_HEADER_BYTES), HASH_BYTES);
  if (objects?.length !== view.getUint32(136)) return { ok: false, reason: "length" };
  const entries = withoutMinuteMarkers(objects);
  if (entries === undefined) return { ok: false, reason: "minutes" };
  const hashes = blockHashes(raw, raw.subarray(0, EBLOCK_HEADER_BYTES), merkleRoot(objects));
  if (hashes.bodyMr !== toHex(raw.subarray(32, 64))) return { ok: false, reason: "body-root" };
  const block: EntryBlock = {
    chainId: toHex(raw.subarray(0, 32)),
    prevKeyMr: toHex(raw.subarray(64, 96)),
    prevFullHash: toHex(raw.subarray(96, 128)),
    sequence: view.getUint32(128),
    height: view.getUint32(132),
    entries,
  };
  return { ok: true, block, hashes };
}

/** Each run of entries of one minute is followed by that minute as a 32-byte number. */
function withMinuteMarkers(entries: EntryBlock["entries"]): Uint8Array[] {
  const objects: Uint8Array[] = [];
  entries.forEach((entry, i) => {
    objects.push(fromHex(entry.hash));
    if (entries[i + 1]?.minute !== entry.minute) objects.push(minuteMarker(entry.minute));
  });
  return objects;
}

/** Undefined if the last object is not a marker or the minutes do not ascend. */
function withoutMinuteMarkers(objects: readonly Uint8Array[]): EntryBlock["entries"] | undefined {
  const entries: { hash: string; minute: number }[] = [];
  let pending: string[] = [];
  let last = 0;
  for (const object of objects) {
    const minute = minuteOf(object);
    if (minute === undefined) {
      pending.push(toHex(object));
      continue;
    }
    if (minute <= last) return undefined;
    for (const hash of pending) entries.push({ hash, minute });
    pending = [];
    last = minute;
  }
  return pending.length === 0 ? entries : undefined;
}

function minuteMarker(minute: number): Uint8Array {
  const marker = new Uint8Array(HASH_BYTES);
  marker[HASH_BYTES - 1] = minute;
  return marker;
}

function minuteOf(object: Uint8Array): number | undefined {
  const minute = object[HASH_BYTES - 1] ?? 0;
  const isMarker = minute >= 1 && minute <= 10 && object.subarray(0, -1).every((byte) => byte === 0);
  return isMarker ? minute : undefined;
}

/** A directory's leaves are the hashes of chain id ‖ KeyMR. */
function directoryBodyRoot(chains: readonly Uint8Array[]): Uint8Array {
  return merkleRoot(chains.map((chain) => sha256(chain)));
}

/** Binary tree over the leaves as they are; an odd node is paired with itself. */
function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? new Uint8Array();
      next.push(sha256(concat(left, level[i + 1] ?? left)));
    }
    level = next;
  }
  return level[0] ?? new Uint8Array(HASH_BYTES);
}

function blockHashes(raw: Uint8Array, header: Uint8Array, bodyMr: Uint8Array): BlockHashes {
  const headerHash = sha256(header);
  return {
    keyMr: sha256Hex(concat(headerHash, bodyMr)),
    fullHash: sha256Hex(raw),
    bodyMr: toHex(bodyMr),
    headerHash: toHex(headerHash),
  };
}

/** Equal pieces of `size` bytes; undefined if they do not come out even. */
function split(bytes: Uint8Array, size: number): Uint8Array[] | undefined {
  if (bytes.length % size !== 0) return undefined;
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
