/** The port through which every part hashes: a batch of inputs in, their LXR hashes out. */

/** LXRHash over one table. Implemented by the plain TypeScript oracle, the WASM kernel and the worker pool. */
export interface Hasher {
  /** Table size in bits, 8 to 30 (the table has 2^bits bytes). */
  readonly bits: number;
  /** 32-byte hashes in the order of the inputs. Inputs may differ in length. Rejects after close(). */
  hash(inputs: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** False while the queue is full: the caller must refuse new work instead of adding to it. */
  canAcceptWork(): boolean;
  close(): Promise<void>;
}
