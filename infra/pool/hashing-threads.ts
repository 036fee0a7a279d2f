/** How many threads a pool hashes with. */

import { availableParallelism } from "node:os";

/** A table in the processor's cache: one hash takes 10 µs, and to hand it to a thread and back takes as long. */
const INLINE_BITS = 16;

/** For `LxrPool`: all cores but the one that talks to miners; 0, no thread at all, for the small tables of devnets. */
export function hashingThreads(bits: number): number {
  return bits <= INLINE_BITS ? 0 : Math.max(1, availableParallelism() - 1);
}
