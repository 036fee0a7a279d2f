/** A stand-in for LXRHash of 2 × 32 bits that is quick and even: whether the pool pays for hashes, not how they are made, is in question here. */

import { concat, u32ToBytes } from "../../../shared/bytes.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";

const OPR_HASH_BYTES = 32;
const PREFIX_BYTES = 4;

/** What a difficulty depends on but the counter. */
interface MixerKey {
  readonly a: number;
  readonly b: number;
}

function mixerKey(oprHash: Uint8Array, prefix: number): MixerKey {
  let a = 0x9e37_79b9;
  let b = prefix;
  for (let i = 0; i < OPR_HASH_BYTES; i++) {
    a = Math.imul(a ^ (oprHash[i] ?? 0), 0x85eb_ca6b);
    a ^= a >>> 13;
  }
  b = scramble(b ^ a);
  return { a: scramble(a ^ Math.imul(b, 0xc2b2_ae35)), b };
}

/** The upper 32 bits of what this nonce reaches. */
function upperOf({ a, b }: MixerKey, counter: number): number {
  return scramble(scramble(Math.imul(counter, 0x9e37_79b1) ^ a) + b) >>> 0;
}

/** All 64 bits. */
function reachedBy(key: MixerKey, counter: number): bigint {
  const upper = upperOf(key, counter);
  return (BigInt(upper) << 32n) | BigInt(scramble(upper ^ key.a ^ counter) >>> 0);
}

const mixer: Hasher = {
  bits: 8,
  hash: async (inputs) =>
    inputs.map((input) => {
      const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
      const key = mixerKey(input, view.getUint32(OPR_HASH_BYTES));
      const reached = reachedBy(key, view.getUint32(OPR_HASH_BYTES + PREFIX_BYTES));
      return concat(u32ToBytes(Number(reached >> 32n)), u32ToBytes(Number(reached & 0xffff_ffffn)), REST);
    }),
  canAcceptWork: () => true,
  close: async () => undefined,
};

/** How a player finds what a pool's hasher will confirm. */
export interface Luck {
  readonly hasher: Hasher;
  /** The nonces of `count` from `from` on that reach what `worth` hashes bring once. */
  search(
    oprHash: Uint8Array,
    prefix: number,
    range: { readonly from: number; readonly count: number; readonly worth: bigint },
  ): { readonly counter: number; readonly reached: bigint }[];
}

export const mixerLuck: Luck = {
  hasher: mixer,
  search(oprHash, prefix, { from, count, worth }) {
    const key = mixerKey(oprHash, prefix);
    const least = 2 ** 32 - 2 ** 32 / Number(worth);
    const hits: { counter: number; reached: bigint }[] = [];
    for (let counter = from; counter < from + count; counter++)
      if (upperOf(key, counter) >= least) hits.push({ counter, reached: reachedBy(key, counter) });
    return hits;
  },
};

const REST = new Uint8Array(24);

/** The finalizer of MurmurHash3 (public domain). */
function scramble(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
