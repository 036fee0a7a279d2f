/**
 * Makes the native kernels for some platforms while the edge's image is built: `node infra/release/make-kernels.ts ZIG FOLDER linux-arm64 …`.
 * What a machine is to run need not be the kind of machine that builds it.
 */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { coerceError } from "../../shared/errors.ts";
import { crossBuild, KERNEL_TARGETS } from "./kernels.ts";

const [zig = "", dir = "", ...names] = process.argv.slice(2);
try {
  const known = new Map(KERNEL_TARGETS.map((target) => [`${target.platform}-${target.arch}`, target]));
  const targets = names.map((name) => {
    const target = known.get(name);
    if (target === undefined)
      throw new Error(`there is no kernel for ${name}: expected one of ${[...known.keys()].join(", ")}`);
    return target;
  });
  await crossBuild({
    targets,
    sources: fileURLToPath(new URL("../../shared/hash/kernel/", import.meta.url)),
    dir,
    zig,
    cacheDir: join(tmpdir(), "zig-cache"),
    onMade: (file) => void process.stdout.write(`${file}\n`),
  });
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
}
