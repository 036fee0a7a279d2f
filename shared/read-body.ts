/** The body of an HTTP request or answer, read up to a bound. */

/**
 * The bytes; undefined where there are more than `maxBytes`. The rest of such a body is read and dropped up to `drainBytes`, for a sender
 * that reads nothing before it has sent all. Beyond that (by default at once) the stream is destroyed, which ends the connection.
 */
export async function readBody(
  chunks: AsyncIterable<Uint8Array> | null,
  { maxBytes, drainBytes = maxBytes }: { readonly maxBytes: number; readonly drainBytes?: number },
): Promise<Buffer | undefined> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks ?? []) {
    length += chunk.length;
    if (length <= maxBytes) kept.push(chunk);
    else if (length > drainBytes) break;
  }
  return length > maxBytes ? undefined : Buffer.concat(kept);
}
