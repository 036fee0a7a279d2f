/** shared/sha512.ts by the noble library. */

import { sha512 as sha512Of } from "@noble/hashes/sha2.js";

export function sha512(data: Uint8Array): Uint8Array {
  return sha512Of(data);
}
