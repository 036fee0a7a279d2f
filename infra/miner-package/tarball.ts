/** A tarball as npm takes it (POSIX ustar, gzip), with the same bytes for the same files: no times, no owners. */

import { gzipSync } from "node:zlib";

const BLOCK = 512;
/** A name that is longer would need ustar's second field. */
const MAX_NAME = 100;

/** `files` by path, in the order given. Throws RangeError on a path that does not fit. */
export function tarball(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const blocks = [...files].flatMap(([path, bytes]) => [
    header(path, bytes.length),
    bytes,
    Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ]);
  // Two empty blocks are the end.
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9 });
}

function header(path: string, size: number): Buffer {
  if (Buffer.byteLength(path) > MAX_NAME)
    throw new RangeError(`a path in a tarball: expected at most ${MAX_NAME} bytes, got ${path}`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(path, 0);
  block.write(octal(path.endsWith(".mjs") ? 0o755 : 0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  // The sum is made with spaces in its own place.
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  block.write(`${octal(sum(block), 6)} `, 148);
  return block;
}

function sum(block: Buffer): number {
  let total = 0;
  for (const byte of block) total += byte;
  return total;
}
