/**
 * Shares whose credit can be read back, by a hash whose luck stands in the nonce. Two kinds, as a nonce's fifth byte says:
 * - `placed`: the n-th find of a worker in a job reaches 4^(n+1) hashes, so that with credit by what is reached the base-4 digits of booked work say
 *   how often each find was credited;
 * - counted: the n-th hash under a prefix reaches as many hashes as the highest power of two that divides n, so that whoever makes N hashes finds
 *   exactly what N hashes bring, at every target: one hash of work too much in the books shows.
 */

import { concat, MAX_U64, u32ToBytes, u64ToBytes } from "../../../shared/bytes.ts";
import { targetOfWork } from "../../../shared/difficulty/work.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";

/** `untold`: made while nobody was told to make it. Such hashes count for themselves, so that they bring no luck to those that were told. */
export type NonceKind = "placed" | "told" | "untold";

const KINDS: readonly NonceKind[] = ["placed", "told", "untold"];
/** The prefix stands before it. */
const KIND_AT = 4;
const NONCE_BYTES = 9;

/** Finds of one worker in one job, where they are placed. */
export const MOST_PLACED = 23;

/** `number`: from 0 on where it is placed, from 1 on where it is counted. */
export function nonceOf(prefix: number, kind: NonceKind, number: number): Uint8Array {
  return concat(u32ToBytes(prefix), Uint8Array.of(KINDS.indexOf(kind)), u32ToBytes(number));
}

/** The hashes that a share at what the n-th hash reaches takes. */
export function luckOf(n: number): bigint {
  return BigInt(n & -n);
}

/** How often each placed find is in this work, up to three times; what is above that spills and is caught by the count of shares. */
export function digitsOf(work: bigint): number[] {
  const digits: number[] = [];
  // Achieved work is in units of 2^-48 hashes.
  for (let rest = work >> 50n; rest > 0n; rest >>= 2n) digits.push(Number(rest & 3n));
  return digits;
}

/** What a nonce reaches in any job. */
export function difficultyOf(nonce: Uint8Array): bigint {
  const view = new DataView(nonce.buffer, nonce.byteOffset, nonce.byteLength);
  const number = nonce.length === NONCE_BYTES ? view.getUint32(KIND_AT + 1) : 0;
  if (KINDS[nonce[KIND_AT] ?? 0] === "placed") return MAX_U64 - (1n << BigInt(62 - 2 * number));
  return targetOfWork(luckOf(number));
}

const OPR_HASH_BYTES = 32;

export const simHasher: Hasher = {
  bits: 8,
  hash: async (inputs) =>
    inputs.map((input) =>
      concat(u64ToBytes(difficultyOf(input.subarray(OPR_HASH_BYTES))), new Uint8Array(24)),
    ),
  canAcceptWork: () => true,
  close: async () => undefined,
};
