/** Calls to the system's own libraries with koffi. The package is optional and is loaded at run time, so that bundles do not include it. */

import { createRequire } from "node:module";

export type Koffi = typeof import("koffi");

let found: { readonly koffi: Koffi | undefined } | undefined;

/** Undefined where it is not installed, or has no binary for this system. Loaded once per thread. */
export function loadKoffi(): Koffi | undefined {
  found ??= { koffi: tryKoffi() };
  return found.koffi;
}

function tryKoffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)("koffi");
  } catch {
    return undefined;
  }
}
