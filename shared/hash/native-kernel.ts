/** Chooses the kernel for a table: the native one if it is given, comes with the release or can be made, and passes its check; else WebAssembly. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { coerceError } from "../errors.ts";
import { loadNative } from "./kernel/native.ts";
import { buildNative } from "./kernel/native-build.ts";
import { PREBUILT_DIR, prebuiltName } from "./kernel/prebuilt.ts";
import { LxrKernel } from "./kernel.ts";
import { loadKoffi } from "./koffi.ts";
import { LXR_PASSES, LXR_SEED } from "./lxr.ts";
import { allocateTable, claimRegion, tableBytes } from "./shared-table.ts";
import { tableSum } from "./table-sums.ts";

export interface NativeOptions {
  /** "off", or the path of the library to use; else the release's own is used, or one is made. The variable PROSPER_NATIVE. */
  readonly setting?: string | undefined;
  /** Folder of the release's own libraries. */
  readonly prebuiltDir?: string | undefined;
  /** Where libraries that are made here are kept; `~/.cache/prosper` unless given. */
  readonly dir?: string | undefined;
  /** "cc" unless given. */
  readonly compiler?: string | undefined;
  /** Smaller tables are always hashed by WebAssembly: they fit the processor's caches, where prefetching gains nothing. 24 unless given. */
  readonly fromBits?: number | undefined;
}

const FROM_BITS = 24;

export type Native =
  | { readonly kind: "found"; readonly library: string }
  /** `reason` says why, and what would help. */
  | { readonly kind: "none"; readonly reason: string };

/** For a table of this many bits; undefined = the table is too small. Never throws: without a native kernel there is WebAssembly. */
export async function findNativeFor(bits: number, options: NativeOptions = {}): Promise<Native | undefined> {
  return bits < (options.fromBits ?? FROM_BITS) ? undefined : await findNative(options);
}

/** Never throws. */
export async function findNative(options: NativeOptions = {}): Promise<Native> {
  const { setting = "", prebuiltDir = PREBUILT_DIR, compiler = "cc" } = options;
  const { dir = join(homedir(), ".cache", "prosper") } = options;
  if (setting === "off") return none("PROSPER_NATIVE is off");
  if (loadKoffi() === undefined)
    return none("the optional package koffi is missing: npm install in the project's folder");
  if (setting !== "") return check(setting);
  const prebuilt = join(prebuiltDir, prebuiltName(process.platform, process.arch));
  const shipped = existsSync(prebuilt) ? check(prebuilt) : undefined;
  if (shipped?.kind === "found") return shipped;
  const made = await make(dir, compiler);
  // Why the release's own is not used is what a user of it can mend.
  return shipped === undefined || made.kind === "found" ? made : none(`${shipped.reason}; ${made.reason}`);
}

async function make(dir: string, compiler: string): Promise<Native> {
  let library: string;
  try {
    library = await buildNative({ dir, compiler });
  } catch (thrown) {
    const error = coerceError(thrown);
    const missing = "code" in error && error.code === "ENOENT";
    return none(
      missing
        ? `there is no C compiler (${compiler}): install gcc or clang`
        : `it cannot be made: ${error.message.trim()}`,
    );
  }
  return check(library);
}

function check(library: string): Native {
  try {
    checkNative(library);
    return { kind: "found", library };
  } catch (thrown) {
    return none(`${library} is not used: ${coerceError(thrown).message}`);
  }
}

const none = (reason: string): Native => ({ kind: "none", reason });

/** sha256 over the hashes of CHECKED, over the smallest table. */
export const CHECK_SUM = "a2147a28820f09cdc39c6084f7da898484d0614c99567355604d3a60f27d3853";
/** Alone, and side by side in one batch and a rest. */
export const CHECKED: readonly (readonly Uint8Array[])[] = [1, 130].map((count) =>
  Array.from({ length: count }, (_, i) => Uint8Array.from({ length: 41 }, (_, k) => i + 7 * k)),
);
const CHECK_BITS = 8;

/** Throws Error unless the library makes the reference's table and hashes. */
function checkNative(library: string): void {
  const table = { ...allocateTable(CHECK_BITS), library };
  loadNative(library, table.memory);
  const kernel = new LxrKernel(table, claimRegion(table));
  kernel.generateTable(LXR_SEED, LXR_PASSES, () => undefined);
  if (sha256([tableBytes(table)]) !== tableSum(CHECK_BITS)) throw new Error("it makes a wrong table");
  if (sha256(CHECKED.flatMap((batch) => kernel.hashBatch(batch))) !== CHECK_SUM)
    throw new Error("it hashes wrong");
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
