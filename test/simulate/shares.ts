/**
 * Shares whose credit can be read back: the n-th attempt of a worker in a job is assigned 4^n hashes of work, so that the base-4
 * digits of what is booked say how often each attempt was credited.
 */

import { concat, u64ToBytes } from "../../shared/bytes.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";

/** Attempts of one worker in one job. */
export const MOST_ATTEMPTS = 23;

const TOP = 1n << 64n;

/** Attempts below this one lie below their job's submission threshold, which every hash here reaches. */
export const JUDGED_ATTEMPTS = 6;

/** The target that stands for 4^n hashes. */
export function targetOf(attempt: number): bigint {
  return TOP - (TOP >> BigInt(2 * attempt));
}

/** How often each attempt is in this work, up to three times; what is above that spills and is caught by the count of shares. */
export function digitsOf(work: bigint): number[] {
  const digits: number[] = [];
  for (let rest = work; rest > 0n; rest >>= 2n) digits.push(Number(rest & 3n));
  return digits;
}

/** A stand-in for LXRHash that is quick and reaches every target used here: 48 ones, then 16 bits of a checksum. */
export function difficultyOf(input: Uint8Array): bigint {
  let sum = 0x811c9dc5;
  for (const byte of input) sum = Math.imul(sum ^ byte, 0x01000193);
  return 0xffff_ffff_ffff_0000n | BigInt((sum ^ (sum >>> 16)) & 0xffff);
}

export const simHasher: Hasher = {
  bits: 8,
  hash: async (inputs) => inputs.map((input) => concat(u64ToBytes(difficultyOf(input)), new Uint8Array(24))),
  canAcceptWork: () => true,
  close: async () => undefined,
};
