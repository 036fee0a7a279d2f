/** Bundles shared code for browsers: the modules that stand on Node are changed for others that do the same. */

import { join } from "node:path";
import type { Plugin } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");
const PORTABLE = join(ROOT, "functions/dashboard/assets/portable");
/** By what they stand in for. */
const MODULES = new Map([
  [join(ROOT, "shared/hex.ts"), join(PORTABLE, "hex.ts")],
  [join(ROOT, "shared/sha256.ts"), join(PORTABLE, "sha256.ts")],
  [join(ROOT, "shared/sha512.ts"), join(PORTABLE, "sha512.ts")],
  [join(ROOT, "shared/read-body.ts"), join(PORTABLE, "read-body.ts")],
  [join(ROOT, "shared/factom/ed25519.ts"), join(PORTABLE, "ed25519.ts")],
]);

export const portable: Plugin = {
  name: "portable",
  setup({ onResolve }) {
    onResolve({ filter: /\/(hex|sha256|sha512|read-body|ed25519)\.ts$/ }, ({ path, resolveDir }) => {
      const found = MODULES.get(join(resolveDir, path));
      return found === undefined ? undefined : { path: found };
    });
  },
};
