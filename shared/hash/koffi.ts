/** Calls to the system's own libraries with koffi. The package is optional and is loaded at run time, so that bundles do not include it. */

import { createRequire } from "node:module";

export type Koffi = typeof import("koffi");

/** Where it is looked for: where this code is installed, and beside it in the package that a pool serves (infra/miner-package/build.ts). */
const PLACES = [import.meta.url, new URL("./native/", import.meta.url)];

let found: { readonly koffi: Koffi | undefined } | undefined;

/** Undefined where it is not installed, or has no binary for this system. Loaded once per thread. */
export function loadKoffi(): Koffi | undefined {
  found ??= { koffi: firstKoffi() };
  return found.koffi;
}

function firstKoffi(): Koffi | undefined {
  for (const place of PLACES) {
    try {
      return createRequire(place)("koffi");
    } catch {
      // The next place, or none.
    }
  }
  return undefined;
}
