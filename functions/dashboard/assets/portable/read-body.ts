/** shared/read-body.ts without Node's Buffer, and for browsers whose streams cannot be iterated. */

import { concat } from "../../../../shared/bytes.ts";

export async function readBody(
  chunks: ReadableStream<Uint8Array> | null,
  { maxBytes }: { readonly maxBytes: number },
): Promise<Uint8Array | undefined> {
  const reader = chunks?.getReader();
  const kept: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      return undefined;
    }
    kept.push(part.value);
  }
  return concat(...kept);
}
