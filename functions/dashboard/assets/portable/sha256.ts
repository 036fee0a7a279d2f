/** shared/sha256.ts by the noble library: a page over plain http has no `crypto.subtle`, and these calls do not wait. */

import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import { toHex } from "./hex.ts";

export function sha256(data: Uint8Array | string): Uint8Array {
  return sha256Of(typeof data === "string" ? new TextEncoder().encode(data) : data);
}

export function sha256Hex(data: Uint8Array | string): string {
  return toHex(sha256(data));
}
