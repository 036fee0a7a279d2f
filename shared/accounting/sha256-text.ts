/** SHA-256 of text, as the books name messages and chain their rows. */

import { createHash } from "node:crypto";

/** 64 hex digits over the UTF-8 bytes. */
export function sha256Text(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
