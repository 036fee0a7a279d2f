/** Calls to the system's own libraries, by koffi: an optional package, looked for at run time so that nothing that is bundled drags it in. */

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
