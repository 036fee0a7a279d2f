/** Bytes to and from hex. A module of its own, since browsers take another one in its place (infra/dashboard/portable.ts). */

const HEX = /^(?:[0-9a-f]{2})*$/i;

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Strict: an even number of hex digits, nothing else. Throws RangeError. */
export function fromHex(hex: string, what = "value"): Uint8Array {
  if (!HEX.test(hex))
    throw new RangeError(
      `${what}: expected an even number of hex digits, got ${JSON.stringify(hex.slice(0, 80))}`,
    );
  return new Uint8Array(Buffer.from(hex, "hex"));
}
