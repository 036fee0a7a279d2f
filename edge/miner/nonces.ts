/** Which counters of a job and prefix were handed out: no nonce is mined twice, whatever happens to the connection. */

import { concat, fromHex, u32ToBytes } from "../../shared/bytes.ts";
import type { Work } from "./search-work.ts";

/** A stretch of counters; each is written big endian in `suffixBytes` bytes after the prefix. */
export interface CounterRange {
  readonly start: number;
  readonly count: number;
  readonly suffixBytes: number;
}

const TWO_32 = 2 ** 32;
/** How many pairs of job and prefix are remembered. A miner comes back to the last few at most. */
const MAX_REMEMBERED = 64;

export class NonceBook {
  readonly #next = new Map<string, number>();

  /** The next `count` counters of this work (1 to 2^31), never given before under any target. Nonces are 8 bytes long, and 9 once those are used up. */
  take(work: Work, count: number): CounterRange {
    const key = `${work.job.oprHash} ${work.prefix}`;
    let start = this.#next.get(key) ?? 0;
    // All nonces of a range have the same length: otherwise a counter would be cut off.
    if (start < TWO_32 && start + count > TWO_32) start = TWO_32;
    this.#next.delete(key);
    this.#next.set(key, start + count);
    const oldest = this.#next.keys().next();
    if (this.#next.size > MAX_REMEMBERED && !oldest.done) this.#next.delete(oldest.value);
    return { start, count, suffixBytes: start < TWO_32 ? 4 : 5 };
  }
}

/** oprHash ‖ prefix: the bytes before the counter in a hash's input. */
export function inputPrefix(work: Work): Uint8Array {
  return concat(fromHex(work.job.oprHash, "oprHash"), u32ToBytes(work.prefix));
}

/** The nonce of one counter, in hex. */
export function nonceHex(work: Work, counter: number, suffixBytes: number): string {
  return work.prefix.toString(16).padStart(8, "0") + counter.toString(16).padStart(2 * suffixBytes, "0");
}
