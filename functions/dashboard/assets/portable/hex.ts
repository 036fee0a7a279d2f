/** shared/hex.ts without Node's Buffer. */

const HEX = /^(?:[0-9a-f]{2})*$/i;

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(hex: string, what = "value"): Uint8Array {
  if (!HEX.test(hex))
    throw new RangeError(
      `${what}: expected an even number of hex digits, got ${JSON.stringify(hex.slice(0, 80))}`,
    );
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
