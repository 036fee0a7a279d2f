/**
 * The native kernels that a release brings, made beforehand for machines without a compiler (infra/release). They lie beside the sources they are
 * made of and are never committed.
 */

import { fileURLToPath } from "node:url";

/** Where a release has them. */
export const PREBUILT_DIR = fileURLToPath(new URL("./prebuilt/", import.meta.url));

const ENDINGS: Readonly<Record<string, string>> = { darwin: "dylib", win32: "dll" };

/** The file's name by Node's words for a platform. On Linux it needs no C library, so that it serves those with glibc and with musl. */
export function prebuiltName(platform: string, arch: string): string {
  return `lxr-${platform}-${arch}.${ENDINGS[platform] ?? "so"}`;
}
