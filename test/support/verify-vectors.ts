/** Signatures and hashes with the verdict of Node's own modules, for whatever stands in for them in a browser. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, toHex } from "../../shared/bytes.ts";
import { verifySignature } from "../../shared/factom/ed25519.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { diceOf } from "./proofs.ts";

/** All in hex. */
export interface SignatureVector {
  readonly name: string;
  readonly key: string;
  readonly message: string;
  readonly signature: string;
  readonly verdict: boolean;
}

export interface HashVector {
  readonly message: string;
  readonly sha256: string;
}

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;
/** The point of order two, y = −1: with it a cofactored check says yes to what a strict one refuses. */
const LOW_ORDER = toHex(Point.fromAffine({ x: 0n, y: Point.Fp.ORDER - 1n }).toBytes());
const FIELD = Point.Fp.ORDER;

export function signatureVectors(): SignatureVector[] {
  const dice = diceOf("signatures");
  const vectors: Omit<SignatureVector, "verdict">[] = [];
  for (let i = 0; i < 24; i++) {
    const seed = Uint8Array.from({ length: 32 }, () => dice(256));
    const text = Uint8Array.from({ length: i * 9 }, () => dice(256));
    const key = toHex(ed25519.getPublicKey(seed));
    const message = toHex(text);
    const signature = toHex(ed25519.sign(text, seed));
    const [r, s] = [signature.slice(0, 64), signature.slice(64)];
    const flip = (hex: string): string => {
      const at = dice(hex.length);
      return `${hex.slice(0, at)}${((Number.parseInt(hex.charAt(at), 16) + 1 + dice(15)) % 16).toString(16)}${hex.slice(at + 1)}`;
    };
    const one = { key, message, signature };
    vectors.push(
      { name: "good", ...one },
      { name: "another signature", ...one, signature: flip(signature) },
      { name: "another key", ...one, key: flip(key) },
      { name: "another message", ...one, message: `${message}00` },
      { name: "s beyond the order", ...one, signature: r + littleEndian(fromLittleEndian(s) + ORDER) },
      { name: "R of low order", ...one, signature: LOW_ORDER + s },
      { name: "key of low order", ...one, key: LOW_ORDER },
      { name: "cut short", ...one, signature: signature.slice(2) },
    );
  }
  // A cofactored check takes R plus a point of order eight; and keys of other spellings.
  const seed = new Uint8Array(32).fill(9);
  const { scalar, prefix } = ed25519.utils.getExtendedPublicKey(seed);
  const text = new TextEncoder().encode("cofactor");
  const nonce = BigInt(`0x${sha256Hex(toHex(prefix))}`) % ORDER;
  const torsion = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  for (const extra of [Point.ZERO, torsion]) {
    const r = Point.BASE.multiply(nonce).add(extra).toBytes();
    const key = ed25519.getPublicKey(seed);
    const k = fromLittleEndian(toHex(sha512(concat(r, key, text)))) % ORDER;
    const s = littleEndian((nonce + k * scalar) % ORDER);
    vectors.push({
      name: extra === torsion ? "R with a part of order eight" : "made by hand",
      ...{ key: toHex(key), message: toHex(text), signature: toHex(r) + s },
    });
  }
  for (const [name, key] of [
    ["y = 1, the neutral point", littleEndian(1n)],
    ["y beyond the field, 1", littleEndian(FIELD + 1n)],
    ["y beyond the field, 0", littleEndian(FIELD)],
    ["the neutral point with a sign", littleEndian(1n | (1n << 255n))],
    ["no point", littleEndian(2n)],
  ] as const)
    for (const r of [littleEndian(1n), littleEndian(FIELD + 1n)])
      vectors.push({ name, key, message: "ab", signature: r + littleEndian(0n) });
  return vectors.map((vector) => ({ ...vector, verdict: verdictOf(vector) }));
}

export function hashVectors(): HashVector[] {
  const dice = diceOf("hashes");
  return [0, 1, 55, 56, 63, 64, 65, 200, 4096].map((length) => {
    const message = Uint8Array.from({ length }, () => dice(256));
    return { message: toHex(message), sha256: sha256Hex(message) };
  });
}

function verdictOf({ key, message, signature }: Omit<SignatureVector, "verdict">): boolean {
  const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
  return verifySignature(bytes(key), bytes(message), bytes(signature));
}

function littleEndian(value: bigint): string {
  return toHex(new Uint8Array(Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse()));
}

function fromLittleEndian(hex: string): bigint {
  return BigInt(`0x${Buffer.from(hex, "hex").reverse().toString("hex")}`);
}
