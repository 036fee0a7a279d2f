/** How many nonces a thread hashes before it looks again whether its work is still current: as many as its machine hashes in a few milliseconds. */

import { MAX_LANES, MAX_SEARCH } from "../../shared/hash/kernel/layout.ts";

/** The aim for one slice. A new job waits until the slice under way is done. */
const SLICE_MS = 3;
/** With fewer side by side the memory is not kept busy. */
const FEWEST = 32;
const STEP = 16;
/** A slice says little if the thread did not run all the time. So one slice can slow the assumed pace by this factor at most. */
const SLOWER = 1.05;

export class Slices {
  #msPerHash = SLICE_MS / FEWEST;

  /** Nonces for the next slice, 32 to 1024: whole batches of the kernel's lanes, or a part of a batch if a whole one takes too long. */
  next(): number {
    const hashes = SLICE_MS / this.#msPerHash;
    const unit = hashes < MAX_LANES ? STEP : MAX_LANES;
    return Math.min(MAX_SEARCH, Math.max(FEWEST, unit * Math.floor(hashes / unit)));
  }

  /** What a slice took. */
  note(hashes: number, ms: number): void {
    // If the clock did not move, we know only that the slice was quick.
    this.#msPerHash = Math.min(Math.max(ms, 0.01) / hashes, SLOWER * this.#msPerHash);
  }
}
