/** How many threads a pool hashes with. */

import { availableParallelism } from "node:os";

/** A table in the processor's cache: one hash takes 10 µs, and to hand it to a thread and back takes as long. */
const INLINE_BITS = 16;

/**
 * For the `LxrPool` of one of so many processes: its part of the cores but the one that talks to miners; 0, no thread at all, for the small tables of
 * devnets.
 */
export function hashingThreads(bits: number, processes = 1): number {
  return bits <= INLINE_BITS ? 0 : Math.max(1, Math.floor(availableParallelism() / processes) - 1);
}
