/** The messages between the miner and its searching threads. */

import type { SharedTable } from "../../shared/hash/shared-table.ts";

/** One shared word: the current generation. A task of another is dropped. */
export const CONTROL_BYTES = 4;

export function viewGeneration(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, 1);
}

/** What a thread gets at its start. */
export interface SearchSetup {
  readonly table: SharedTable;
  readonly region: number;
  readonly control: SharedArrayBuffer;
  /** Share of the time it may compute, above 0 and up to 1. */
  readonly dutyCycle: number;
  /** Its own part of the cap; Infinity = none. */
  readonly maxHashesPerSecond: number;
}

/** A stretch of nonces to search. */
export interface SearchTask {
  readonly generation: number;
  /** oprHash ‖ prefix. */
  readonly prefix: Uint8Array;
  /** Difficulties at or above this are reported. It is the target of the work itself, even if the pool has told another one since. */
  readonly target: bigint;
  readonly start: number;
  readonly count: number;
  readonly suffixBytes: number;
}

/** Tasks are answered in their order, and the hits of each before its end. */
export type SearchReport =
  | {
      readonly kind: "hit";
      readonly counter: number;
      readonly suffixBytes: number;
      readonly difficulty: bigint;
    }
  /** The task is over: done, or dropped half way. */
  | { readonly kind: "done"; readonly hashes: number; readonly ms: number };
