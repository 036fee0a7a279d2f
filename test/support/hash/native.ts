/** The native kernel for the tests of hashing, made once a run. Undefined where it cannot be had, which is said out loud. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNative } from "../../../shared/hash/native-kernel.ts";

const dir = mkdtempSync(join(tmpdir(), "prosper-native-"));
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));

const native = await findNative({ dir });
if (native.kind === "none")
  process.stdout.write(`\n*** THE NATIVE KERNEL IS NOT TESTED: ${native.reason} ***\n\n`);

export const nativeLibrary = native.kind === "found" ? native.library : undefined;
