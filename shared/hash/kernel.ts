/** The synchronous kernel, native or WASM. A worker thread (or a test) hashes and mines with it, over the shared table. */

import { bytesToU64 } from "../bytes.ts";
import type { NonceRange } from "./hasher.ts";
import {
  DIFFICULTIES,
  DIGEST_BYTES,
  DIGESTS,
  INPUT_BYTES,
  INPUTS,
  MAX_INPUT_BYTES,
  MAX_LANES,
  MAX_SEARCH,
  REGION_BYTES,
  STATE,
} from "./kernel/layout.ts";
import { loadNative } from "./kernel/native.ts";
import { instantiateKernel, type KernelFunctions } from "./kernel/wasm.ts";
import { LXR_SEED, startShuffle } from "./lxr.ts";
import type { SharedTable } from "./shared-table.ts";

export class LxrKernel {
  readonly #functions: KernelFunctions;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #mask: bigint;
  readonly #table: SharedTable;

  /** `region` is this kernel's alone, from `claimRegion`. */
  constructor(table: SharedTable, region: number) {
    this.#functions = openFunctions(table);
    this.#bytes = new Uint8Array(table.memory.buffer);
    this.#base = region * REGION_BYTES;
    this.#mask = (1n << BigInt(table.bits)) - 1n;
    this.#table = table;
  }

  /** 32-byte hashes in the order of the inputs. Inputs of one length are hashed up to 128 side by side. Throws RangeError on one too long. */
  hashBatch(inputs: readonly Uint8Array[]): Uint8Array[] {
    const hashes = new Array<Uint8Array>(inputs.length);
    for (const group of groupByLength(inputs)) {
      for (let from = 0; from < group.length; ) {
        const part = group.slice(from, from + this.#lanesFor(group, from));
        this.#hashPart(part, hashes);
        from += part.length;
      }
    }
    return hashes;
  }

  /** Mining's fast path: the difficulty of each nonce in the range, in order. Throws RangeError on a range out of bounds. */
  search(range: NonceRange): BigUint64Array {
    checkNonceRange(range);
    const { prefix, start, suffixBytes, count } = range;
    this.#bytes.set(prefix, this.#base + INPUTS);
    this.#functions.search(
      this.#base + STATE,
      this.#mask,
      LXR_SEED,
      this.#base + INPUTS,
      prefix.length,
      BigInt(start),
      suffixBytes,
      count,
      this.#base + DIGESTS,
      this.#base + DIFFICULTIES,
    );
    return new BigUint64Array(this.#table.memory.buffer, this.#base + DIFFICULTIES, count).slice();
  }

  /**
   * Makes the table in place. `onProgress` gets the draws done, out of passes × 2^bits, a few times a second. Takes 9 to 15 minutes at
   * 30 bits: call it from a worker thread.
   */
  generateTable(seed: bigint, passes: number, onProgress: (done: number) => void): void {
    const size = 2 ** this.#table.bits;
    const shuffle = startShuffle(seed);
    const state = new BigUint64Array(this.#table.memory.buffer, this.#base + STATE, 3);
    state.set([shuffle.offset, shuffle.b, shuffle.v]);
    this.#functions.fill(size);
    const slice = Math.min(size, DRAWS_PER_SLICE);
    for (let done = 0; done < passes * size; done += slice) {
      this.#functions.shuffle(this.#base + STATE, this.#mask, done % size, slice);
      onProgress(done + slice);
    }
  }

  /** How many inputs of the group from this one on are hashed side by side: as many as fit the region. */
  #lanesFor(group: readonly Indexed[], from: number): number {
    const left = group.length - from;
    if (left <= FEW && this.#table.bits <= CACHED_BITS) return 1;
    return Math.min(left, MAX_LANES, Math.floor(INPUT_BYTES / Math.max(1, group[0]?.input.length ?? 0)));
  }

  #hashPart(part: readonly Indexed[], hashes: Uint8Array[]): void {
    const length = part[0]?.input.length ?? 0;
    part.forEach(({ input }, lane) => {
      this.#bytes.set(input, this.#base + INPUTS + lane * length);
    });
    this.#functions.hash(
      this.#base + STATE,
      this.#mask,
      LXR_SEED,
      this.#base + INPUTS,
      length,
      part.length,
      this.#base + DIGESTS,
    );
    part.forEach(({ index }, lane) => {
      const at = this.#base + DIGESTS + lane * DIGEST_BYTES;
      // A copy outside the shared memory: the next batch writes over this one.
      hashes[index] = this.#bytes.slice(at, at + DIGEST_BYTES);
    });
  }
}

/** The native functions if the table names a library. If that library has disappeared since it was tested, WASM is used: slower, but it works. */
function openFunctions({ memory, library }: SharedTable): KernelFunctions {
  try {
    if (library !== undefined) return loadNative(library, memory);
  } catch {
    // WebAssembly is always there.
  }
  return instantiateKernel(memory);
}

/** Difficulty of a hash: its first 8 bytes, big endian. */
export function difficultyOf(hash: Uint8Array): bigint {
  return bytesToU64(hash);
}

/** A table of so many bits lies in the processor's cache, and lanes have no memory to wait for together. */
const CACHED_BITS = 16;
/** There so few inputs are faster one after the other. Measured at 10 bits: 10 µs alone, 13 to 19 each of 2 to 4 lanes, 5 each of 8. */
const FEW = 5;

/** 0.1 to 0.2 s each at 30 bits. */
const DRAWS_PER_SLICE = 2 ** 20;

interface Indexed {
  readonly input: Uint8Array;
  readonly index: number;
}

function groupByLength(inputs: readonly Uint8Array[]): Iterable<Indexed[]> {
  const groups = new Map<number, Indexed[]>();
  inputs.forEach((input, index) => {
    checkRange(`the length of input ${index}`, input.length, 0, MAX_INPUT_BYTES);
    const group = groups.get(input.length);
    if (group) group.push({ input, index });
    else groups.set(input.length, [{ input, index }]);
  });
  return groups.values();
}

/** Throws RangeError on a range that cannot be searched at once. */
export function checkNonceRange({ prefix, start, suffixBytes, count }: NonceRange): void {
  checkRange("count", count, 1, MAX_SEARCH);
  checkRange("suffixBytes", suffixBytes, 0, 8);
  checkRange("start", start, 0, Number.MAX_SAFE_INTEGER);
  checkRange("prefix's length", prefix.length, 0, Math.floor(INPUT_BYTES / MAX_LANES) - suffixBytes);
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${name}: expected a whole number from ${low} to ${high}, got ${value}`);
}
