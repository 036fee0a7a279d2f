/** A submitted nonce as its bytes: however it is spelled, one nonce has one key (docs/spec.md, "Nonces"). */

const PREFIX_BYTES = 4;
/** The Go miner sends 6 to 9; no miner sends more than this. */
const MAX_BYTES = 32;

export interface Nonce {
  readonly bytes: Uint8Array;
  /** The first four bytes; they tell who the nonce was given to. */
  readonly prefix: number;
}

/** Hex of any case for 5 to 32 bytes: a prefix, and at least one byte of the miner's own. Undefined for anything else. */
export function parseNonce(text: string): Nonce | undefined {
  const { length } = text;
  if (length <= 2 * PREFIX_BYTES || length > 2 * MAX_BYTES || length % 2 !== 0) return undefined;
  // Decoding ends at the first that is no digit.
  const decoded = Buffer.from(text, "hex");
  if (decoded.length * 2 !== length) return undefined;
  // A copy: the decoded bytes are a view of a larger buffer, which they would keep alive.
  const bytes = new Uint8Array(decoded);
  return { bytes, prefix: prefixOf(bytes) };
}

export function prefixOf(nonce: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = [nonce[0], nonce[1], nonce[2], nonce[3]];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
