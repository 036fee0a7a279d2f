/** Loads lxr.wasm: the few parts of the WebAssembly API that this needs, typed (Node's own types leave them out), and the kernel's functions. */

import { readFileSync } from "node:fs";

/** A WebAssembly memory whose bytes all threads see. It can be posted to another thread. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The functions of lxr.as.ts: pointers, lengths and counts are numbers, 64-bit integers bigints. */
export interface KernelFunctions {
  hash(
    state: number,
    mask: bigint,
    seed: bigint,
    input: number,
    length: number,
    lanes: number,
    digests: number,
  ): void;
  search(
    state: number,
    mask: bigint,
    seed: bigint,
    input: number,
    prefix: number,
    counter: bigint,
    suffix: number,
    count: number,
    digests: number,
    difficulties: number,
  ): void;
  fill(bytes: number): void;
  shuffle(state: number, mask: bigint, from: number, count: number): void;
}

interface KernelModule {
  readonly kernel: unique symbol;
}

declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => KernelModule;
  readonly Instance: new (
    module: KernelModule,
    imports: { env: { memory: SharedMemory } },
  ) => { readonly exports: KernelFunctions };
};

let compiled: KernelModule | undefined;

/** The kernel over `memory`. Compiled once per thread. */
export function instantiateKernel(memory: SharedMemory): KernelFunctions {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("./lxr.wasm", import.meta.url)));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports;
}

/** Zeroed memory of `pages` × 64 KiB. Throws RangeError where the machine cannot give that much. */
export function allocateMemory(pages: number): SharedMemory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
