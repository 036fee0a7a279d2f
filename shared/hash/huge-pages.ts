/**
 * Huge pages for a table's memory. With small pages, nearly every read of a large table misses the processor's TLB (its cache of page
 * addresses) and must walk the page table first. On pages of 2 MiB hashing is about twice as fast. Linux gives them if madvise asks before
 * the memory is filled.
 */

import { readFileSync } from "node:fs";
import type { SharedMemory } from "./kernel/wasm.ts";
import { loadKoffi } from "./koffi.ts";

/** Below this size the processor's TLB holds the addresses of all small pages of a table. */
export const WORTH_BYTES = 2 ** 24;

/** Linux's number on every processor. */
const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;
const SETTING = "/sys/kernel/mm/transparent_hugepage/enabled";

/** Asks for huge pages, or for small ones: memory that is not filled yet, and never shrinks or moves. Does nothing where it cannot be asked for. */
export function advisePages(memory: SharedMemory, { huge }: { readonly huge: boolean }): void {
  const bytes = new Uint8Array(memory.buffer);
  if (process.platform !== "linux") return;
  try {
    const advise = loadKoffi()?.load(null).func("int madvise(void *address, size_t length, int advice)");
    advise?.(bytes, bytes.length, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  } catch {
    // This libc has no madvise: `lostHugePages` reports the result.
  }
}

/** What the system reports, as far as it can be read. */
export interface PageFacts {
  readonly platform: string;
  /** The system's setting: "always", "madvise" or "never"; undefined where the kernel has no huge pages. */
  readonly setting: string | undefined;
  readonly koffi: boolean;
  /** Bytes of this process that lie on huge pages, its own or shared ones. */
  readonly hugeBytes: number;
}

export function readPageFacts(): PageFacts {
  const rollup = readText("/proc/self/smaps_rollup");
  const huge = [...rollup.matchAll(/^(?:AnonHugePages|ShmemPmdMapped):\s+(\d+) kB/gm)];
  return {
    platform: process.platform,
    setting: /\[(\w+)\]/.exec(readText(SETTING))?.[1],
    koffi: loadKoffi() !== undefined,
    hugeBytes: 1024 * huge.reduce((sum, [, kibibytes]) => sum + Number(kibibytes), 0),
  };
}

/** Why a filled table of so many bytes is not on huge pages, and what to do about it; undefined when it is, or is too small to gain. */
export function lostHugePages(tableBytes: number, facts: PageFacts): string | undefined {
  if (tableBytes < WORTH_BYTES || facts.hugeBytes >= 0.9 * tableBytes) return undefined;
  if (facts.platform !== "linux") return "they are to be had on Linux only";
  if (facts.setting === undefined) return `this system's kernel has none: ${SETTING} cannot be read`;
  if (facts.setting === "never")
    return `the system's setting forbids them: as root, echo madvise > ${SETTING}`;
  if (facts.setting === "madvise" && !facts.koffi)
    return `the optional package koffi is missing: npm install in the project's folder, or as root, echo always > ${SETTING}`;
  const mebibytes = Math.floor(facts.hugeBytes / 2 ** 20);
  return `the system had only ${mebibytes} MiB of them together: as root, echo 1 > /proc/sys/vm/compact_memory, then start again`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
