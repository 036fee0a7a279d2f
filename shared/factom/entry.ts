/** A Factom entry: its raw form, hash, chain id and price in entry credits (Factom data structures, "Entry"). */

import { concat, fromHex, toHex } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { sha256, sha256Hex } from "../sha256.ts";
import { sha512 } from "../sha512.ts";

/** PegNet's OPR chain on mainnet, and on every devnet of ours. */
export const OPR_CHAIN = "a642a8674f46696cc47fdb6b65f9c87b2a19c5ea8123b3d2f0c13b6f33a9d5ef";
/** PegNet's chain of FAT-2 transactions. */
export const TRANSACTION_CHAIN = "cffce0f409ebba4ed236d49d89c70e4bd1f1367d86402a3363366683265a242d";

export interface Entry {
  /** 32 bytes as lower-case hex. */
  readonly chainId: string;
  readonly extIds: readonly Uint8Array[];
  readonly content: Uint8Array;
}

export type ParsedEntry =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly reason: "length" | "version" | "ext-ids-length" | "ext-ids" };

/** Version byte, chain id, length of the external ids. */
export const ENTRY_HEADER_BYTES = 35;
/** External ids (with their lengths) and content together. */
export const ENTRY_DATA_BYTES_MAX = 10_240;
const NEW_CHAIN_CREDITS = 10;

/** The chain id that a chain's first entry gives it: sha256 over the sha256 of each external id. Hex. */
export function chainIdOf(extIds: readonly Uint8Array[]): string {
  return sha256Hex(concat(...extIds.map((extId) => sha256(extId))));
}

/** Length of the raw form, without building it. */
export function rawEntryLength(entry: Entry): number {
  const extIds = entry.extIds.reduce((sum, extId) => sum + 2 + extId.length, 0);
  return ENTRY_HEADER_BYTES + extIds + entry.content.length;
}

/** The bytes that are hashed, revealed and stored. Throws CodedError `entry-too-large` above 10 KiB of data. */
export function encodeEntry(entry: Entry): Uint8Array {
  const length = rawEntryLength(entry);
  if (length > ENTRY_HEADER_BYTES + ENTRY_DATA_BYTES_MAX)
    throw new CodedError(
      "entry-too-large",
      `an entry holds at most ${ENTRY_DATA_BYTES_MAX} bytes of external ids and content, got ${length - ENTRY_HEADER_BYTES}: split it`,
      { data: { length } },
    );
  const extIds = entry.extIds.flatMap((extId) => [u16(extId.length), extId]);
  const extIdBytes = concat(...extIds);
  const chainId = fromHex(entry.chainId, "chain id");
  return concat(Uint8Array.of(0), chainId, u16(extIdBytes.length), extIdBytes, entry.content);
}

/** Reads a raw entry, or says why it is none. The parts are views of `raw`. */
export function parseEntry(raw: Uint8Array): ParsedEntry {
  if (raw.length < ENTRY_HEADER_BYTES || raw.length > ENTRY_HEADER_BYTES + ENTRY_DATA_BYTES_MAX)
    return { ok: false, reason: "length" };
  if (raw[0] !== 0) return { ok: false, reason: "version" };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const end = ENTRY_HEADER_BYTES + view.getUint16(33);
  if (end === ENTRY_HEADER_BYTES + 1 || end > raw.length) return { ok: false, reason: "ext-ids-length" };
  const extIds: Uint8Array[] = [];
  let at = ENTRY_HEADER_BYTES;
  while (at < end) {
    if (at + 2 > end) return { ok: false, reason: "ext-ids" };
    const next = at + 2 + view.getUint16(at);
    if (next > end) return { ok: false, reason: "ext-ids" };
    extIds.push(raw.subarray(at + 2, next));
    at = next;
  }
  return { ok: true, entry: { chainId: toHex(raw.subarray(1, 33)), extIds, content: raw.subarray(end) } };
}

/** sha256(sha512(raw) ‖ raw), hex. */
export function entryHash(raw: Uint8Array): string {
  return sha256Hex(concat(sha512(raw), raw));
}

/** Entry credits for a raw entry: one per started KiB of its data, at least one, ten more for a new chain. */
export function entryCost(rawLength: number, isNewChain = false): number {
  const kib = Math.max(1, Math.ceil((rawLength - ENTRY_HEADER_BYTES) / 1024));
  return kib + (isNewChain ? NEW_CHAIN_CREDITS : 0);
}

function u16(value: number): Uint8Array {
  if (value > 0xffff) throw new RangeError(`expected a length below 65536, got ${value}`);
  return Uint8Array.of(value >> 8, value & 0xff);
}
