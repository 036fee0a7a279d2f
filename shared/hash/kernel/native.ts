/** Loads the native kernel, a library made of lxr.c, over the same memory as the WebAssembly one. */

import { loadKoffi } from "../koffi.ts";
import type { KernelFunctions, SharedMemory } from "./wasm.ts";

/** Throws Error where koffi is missing, or the library is, or is no kernel. */
export function loadNative(path: string, memory: SharedMemory): KernelFunctions {
  const koffi = loadKoffi();
  if (koffi === undefined) throw new Error("the optional package koffi is missing");
  const library = koffi.load(path);
  const hash = library.func(
    "void lxr_hash(void *memory, uint32_t state, uint64_t mask, uint64_t seed, uint32_t input, uint32_t length, uint32_t lanes, uint32_t digests)",
  );
  const search = library.func(
    "void lxr_search(void *memory, uint32_t state, uint64_t mask, uint64_t seed, uint32_t input, uint32_t prefix, uint64_t counter, uint32_t suffix, uint32_t count, uint32_t digests, uint32_t difficulties)",
  );
  const fill = library.func("void lxr_fill(void *memory, uint32_t bytes)");
  const shuffle = library.func(
    "void lxr_shuffle(void *memory, uint32_t state, uint64_t mask, uint32_t from, uint32_t count)",
  );
  // Shared WebAssembly memory never moves. The caller of the functions must keep a reference to it, so that the address stays good.
  const address = koffi.address(new Uint8Array(memory.buffer));
  return {
    hash: (...args) => void hash(address, ...args),
    search: (...args) => void search(address, ...args),
    fill: (...args) => void fill(address, ...args),
    shuffle: (...args) => void shuffle(address, ...args),
  };
}
