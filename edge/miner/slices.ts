/** How many nonces a thread hashes between two looks at whether its work still stands: what its machine does in a few milliseconds. */

import { MAX_LANES, MAX_SEARCH } from "../../shared/hash/kernel/layout.ts";

/** A new job waits for the slice under way: with this aim it is taken up within 5 ms. */
const SLICE_MS = 3;
/** With fewer side by side the memory is not kept busy. */
const FEWEST = 32;
const STEP = 16;
/** A slice during which the thread was not running says little: the pace is believed to fall by so much at a time only. */
const SLOWER = 1.05;

export class Slices {
  #msPerHash = SLICE_MS / FEWEST;

  /** Nonces for the next slice: whole batches of the kernel's lanes, or part of one where that takes too long; 32 to 1024. */
  next(): number {
    const hashes = SLICE_MS / this.#msPerHash;
    const unit = hashes < MAX_LANES ? STEP : MAX_LANES;
    return Math.min(MAX_SEARCH, Math.max(FEWEST, unit * Math.floor(hashes / unit)));
  }

  /** What a slice took. */
  note(hashes: number, ms: number): void {
    // A clock that did not move says no more than that it was quick.
    this.#msPerHash = Math.min(Math.max(ms, 0.01) / hashes, SLOWER * this.#msPerHash);
  }
}
