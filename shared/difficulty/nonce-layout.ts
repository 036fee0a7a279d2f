/** The layout of a miner's nonces (docs/spec.md, "Nonces"): the pool's 4-byte prefix, a thread byte, then a counter. */

import { concat, u32ToBytes } from "../bytes.ts";

/** The five bytes that all nonces of one thread share. Threads beyond 255 wrap. */
export function noncePrefix(poolNonce: number, thread: number): Uint8Array {
  return concat(u32ToBytes(poolNonce), Uint8Array.of(thread & 0xff));
}

/** Nine bytes: the prefix and a 4-byte big-endian counter. */
export function batchNonce(prefix: Uint8Array, counter: number): Uint8Array {
  return concat(prefix, u32ToBytes(counter));
}

/** The prefix and the shortest big-endian counter, at least one byte. */
export function sequentialNonce(prefix: Uint8Array, counter: number): Uint8Array {
  const bytes = u32ToBytes(counter);
  const firstUsed = bytes.findIndex((byte) => byte !== 0);
  return concat(prefix, bytes.subarray(firstUsed < 0 ? bytes.length - 1 : firstUsed));
}
