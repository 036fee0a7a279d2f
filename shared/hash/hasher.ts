/** The ports through which every part hashes. */

/** `share`: somebody waits for the answer. `later`: everything else. Where both wait they take turns, so that neither keeps the other out. */
export type Urgency = "share" | "later";

/** LXRHash over one table: a batch of inputs in, their hashes out. Implemented by the plain TypeScript oracle, the WASM kernel and the worker pool. */
export interface Hasher {
  /** Table size in bits, 8 to 30 (the table has 2^bits bytes). */
  readonly bits: number;
  /** 32-byte hashes in the order of the inputs. Inputs may differ in length. `later` where nothing is said. Rejects after close(). */
  hash(inputs: readonly Uint8Array[], urgency?: Urgency): Promise<Uint8Array[]>;
  /** False while the queue is full: the caller must refuse new work instead of adding to it. */
  canAcceptWork(): boolean;
  close(): Promise<void>;
}

/** A stretch of nonces: `prefix`, then each of `count` counters from `start` on, big endian in `suffixBytes` bytes. */
export interface NonceRange {
  /** oprHash ‖ the nonce's fixed bytes. */
  readonly prefix: Uint8Array;
  readonly start: number;
  /** 0 to 8. Counters wrap around at its end. */
  readonly suffixBytes: number;
  /** 1 to 1024; multiples of 128 are the fastest. */
  readonly count: number;
}

/** Mining: no input and no hash leaves the thread. */
export interface NonceSearch {
  /** The difficulty of each nonce in the range, in order. Rejects with RangeError on a range out of bounds. */
  search(range: NonceRange): Promise<BigUint64Array>;
}
