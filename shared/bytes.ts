/** Bytes to and from hex and big-endian integers. */

import { fromHex as bytesOfHex, toHex as hexOfBytes } from "./hex.ts";

/** Lower-case hex. */
export const toHex = hexOfBytes;
/** Strict: an even number of hex digits, nothing else. Throws RangeError. */
export const fromHex = bytesOfHex;

/** 8 bytes, big endian. `value` must lie in [0, 2^64). */
export function u64ToBytes(value: bigint): Uint8Array {
  if (value < 0n || value > MAX_U64)
    throw new RangeError(`expected an unsigned 64-bit integer, got ${value}`);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

/** For numbers that are read, one at a time: a view of its own for each costs more than the reading. */
const SCRATCH = new DataView(new ArrayBuffer(8));

/** The first 8 bytes, big endian. Throws RangeError where there are fewer. */
export function bytesToU64(bytes: Uint8Array, offset = 0): bigint {
  if (bytes.length < offset + 8)
    throw new RangeError(`expected 8 bytes from ${offset} on, got ${bytes.length}`);
  for (let at = 0; at < 8; at++) SCRATCH.setUint8(at, bytes[offset + at] ?? 0);
  return SCRATCH.getBigUint64(0);
}

/** 4 bytes, big endian. `value` must lie in [0, 2^32). */
export function u32ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export const MAX_U64 = 0xffff_ffff_ffff_ffffn;
