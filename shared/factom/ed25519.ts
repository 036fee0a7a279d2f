/**
 * Ed25519 (RFC 8032) over 32-byte seeds, as Factom keys are, by node:crypto: OpenSSL's check is the strict, cofactorless one of the Go library that
 * factomd and FAT2 check by (VerifyCanonical), native, and constant in time for secrets. The verdicts differ for keys of small order alone, eight points
 * under which anybody can make a signature: that library takes those, OpenSSL none. No seed has such a key, so no address of a wallet is one.
 */

import { createPrivateKey, createPublicKey, sign as cryptoSign, verify as cryptoVerify } from "node:crypto";
import { concat } from "../bytes.ts";

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The 64-byte signature of `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** DER before a raw seed (PKCS #8) and before a raw public key (SPKI), RFC 8410. */
const PKCS8 = Uint8Array.from(Buffer.from("302e020100300506032b657004220420", "hex"));
const SPKI = Uint8Array.from(Buffer.from("302a300506032b6570032100", "hex"));

/** The key pair of a 32-byte seed (the payload of an Fs or Es address). */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== 32) throw new RangeError(`expected a seed of 32 bytes, got ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.from(concat(PKCS8, seed)), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sign: (message) => new Uint8Array(cryptoSign(null, message, key)),
  };
}

/** True if `signature` over `message` is by `publicKey`. Wrong lengths are false, never a throw. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(concat(SPKI, publicKey)), format: "der", type: "spki" });
    return cryptoVerify(null, message, key, signature);
  } catch {
    return false; // not a point of the curve
  }
}
