/** SHA-512 of bytes that are complete in memory. */

import { hash } from "node:crypto";

/** 64 bytes. */
export function sha512(data: Uint8Array): Uint8Array {
  return new Uint8Array(hash("sha512", data, "buffer"));
}
