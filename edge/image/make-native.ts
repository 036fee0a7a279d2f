/**
 * Makes the native kernel while the edge's image is built, because the image itself has no compiler: `node edge/image/make-native.ts FILE`. Fails if
 * no kernel is made or it does not pass its check.
 */

import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findNative } from "../../shared/hash/native-kernel.ts";

const [file = ""] = process.argv.slice(2);
const native = await findNative({ dir: mkdtempSync(join(tmpdir(), "native-")) });
if (native.kind === "found") {
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(native.library, file);
  process.stdout.write(`the native kernel is in ${file}\n`);
} else {
  process.stderr.write(`no native kernel: ${native.reason}\n`);
  process.exitCode = 1;
}
