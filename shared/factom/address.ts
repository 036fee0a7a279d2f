/** Factom's four address kinds as text and bytes (Factom data structures; pegnet `modules/factoidaddress` decides validity). */

import { base58, createBase58check } from "@scure/base";
import { concat } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { sha256 } from "../sha256.ts";

/** FA: factoid address (an RCD hash). Fs: its ed25519 seed. EC: entry-credit public key. Es: its seed. */
export type AddressKind = "FA" | "EC" | "Fs" | "Es";

export type ParsedAddress =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: "characters" | "length" | "prefix" | "checksum" };

/** The two bytes before the payload; they make the text start with the kind's letters. */
const PREFIX: Record<AddressKind, Uint8Array> = {
  FA: Uint8Array.of(0x5f, 0xb1),
  EC: Uint8Array.of(0x59, 0x2a),
  Fs: Uint8Array.of(0x64, 0x78),
  Es: Uint8Array.of(0x5d, 0xb6),
};

/** Prefix, 32 bytes of payload, four of checksum. */
const ADDRESS_BYTES = 38;
const CHECKSUM_BYTES = 4;
/** Every 38-byte value with one of the prefixes above has exactly this many base58 digits. */
const ADDRESS_CHARACTERS = 52;

const base58check = createBase58check(sha256);

/** The text of a 32-byte payload. */
export function encodeAddress(kind: AddressKind, payload: Uint8Array): string {
  if (payload.length !== 32)
    throw new RangeError(`expected 32 bytes for an ${kind} address, got ${payload.length}`);
  return base58check.encode(concat(PREFIX[kind], payload));
}

/** The 32-byte payload of an address of the given kind, or why it is none. */
export function parseAddress(kind: AddressKind, text: string): ParsedAddress {
  // Bounded before decoding: base58 takes quadratic time.
  if (text.length > 2 * ADDRESS_CHARACTERS) return { ok: false, reason: "length" };
  const decoded = decodeBase58(text);
  if (decoded === undefined || text === "") return { ok: false, reason: "characters" };
  const [first, second] = PREFIX[kind];
  if (decoded.length > ADDRESS_BYTES) return { ok: false, reason: "length" };
  if (decoded[0] !== first || decoded[1] !== second) return { ok: false, reason: "prefix" };
  if (decoded.length !== ADDRESS_BYTES) return { ok: false, reason: "length" };
  const payload = checkedPayload(decoded);
  return payload === undefined ? { ok: false, reason: "checksum" } : { ok: true, bytes: payload };
}

/** The 32-byte payload. Throws CodedError `address-invalid`; secret keys are never quoted in the message. */
export function requireAddress(kind: AddressKind, text: string): Uint8Array {
  const parsed = parseAddress(kind, text);
  if (parsed.ok) return parsed.bytes;
  const isSecret = kind === "Fs" || kind === "Es";
  const got = isSecret ? "a text that is none" : JSON.stringify(text.slice(0, 80));
  throw new CodedError(
    "address-invalid",
    `expected an ${kind} address, got ${got} (wrong ${parsed.reason}): copy it again from your wallet`,
    { data: { kind, reason: parsed.reason } },
  );
}

/** True for a factoid address with the right prefix and checksum: what an OPR and a payout need. */
export function isValidFaAddress(text: string): boolean {
  return parseAddress("FA", text).ok;
}

/**
 * The RCD hash of an FA address as the `factom` library of pegnetd reads it, undefined where it refuses.
 * It looks at the letters "FA" and the checksum only, so some texts with other prefix bytes pass; consensus on
 * FAT-2 batches follows it. Use `parseAddress` wherever there is a choice.
 */
export function parseFaAddressLeniently(text: string): Uint8Array | undefined {
  if (text.length !== ADDRESS_CHARACTERS || !text.startsWith("FA")) return undefined;
  const decoded = decodeBase58(text);
  return decoded?.length === ADDRESS_BYTES ? checkedPayload(decoded) : undefined;
}

/** The payload behind two prefix bytes, undefined if the checksum is wrong. */
function checkedPayload(decoded: Uint8Array): Uint8Array | undefined {
  const body = decoded.subarray(0, -CHECKSUM_BYTES);
  const checksum = sha256(sha256(body));
  return decoded.subarray(body.length).every((byte, i) => byte === checksum[i])
    ? body.subarray(2)
    : undefined;
}

/** The bytes of a base58 text, undefined where a character is none of its digits. */
export function decodeBase58(text: string): Uint8Array | undefined {
  try {
    return base58.decode(text);
  } catch {
    return undefined;
  }
}

/** Redeem condition of type 1: the type byte and an ed25519 public key. */
export function rcd1(publicKey: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(1), publicKey);
}

/** What an FA address carries: the double sha256 of the redeem condition. */
export function rcdHash(rcd: Uint8Array): Uint8Array {
  return sha256(sha256(rcd));
}
