/** SHA-256 of bytes or text (its UTF-8 bytes) that is complete in memory. Use createHash for data that comes in pieces. */

import { hash } from "node:crypto";

/** 32 bytes. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return new Uint8Array(hash("sha256", data, "buffer"));
}

/** 64 lower-case hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash("sha256", data, "hex");
}
