/**
 * The check of shared/factom/ed25519.ts by the noble library. Not by its own `verify`, which multiplies by the cofactor and so takes signatures that
 * Factom and OpenSSL refuse: here, as there, R is made again from the rest and has to have the same bytes.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equalBytes } from "../../../../shared/bytes.ts";

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/** True if `signature` over `message` is by `publicKey`. Wrong lengths are false, never a throw. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= ORDER) return false;
  try {
    // `true`: a key's y beyond the field is taken modulo it, as there.
    const key = Point.fromBytes(publicKey, true);
    // One of eight points, all of them nobody's key.
    if (key.isSmallOrder()) return false;
    const k = littleEndian(sha512(concat(r, publicKey, message))) % ORDER;
    const made = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
    return equalBytes(made.toBytes(), r);
  } catch {
    return false; // not a point of the curve
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
