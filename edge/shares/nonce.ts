/** A submitted nonce as its bytes: however it is spelled, one nonce has one key (docs/spec.md, "Nonces"). */

const PREFIX_BYTES = 4;
/** The Go miner sends 6 to 9; no miner sends more than this. */
const MAX_BYTES = 32;
const FORM = /^(?:[0-9a-f]{2})+$/i;

export interface Nonce {
  readonly bytes: Uint8Array;
  /** The first four bytes; they tell who the nonce was given to. */
  readonly prefix: number;
}

/** Hex of any case for 5 to 32 bytes: a prefix, and at least one byte of the miner's own. Undefined for anything else. */
export function parseNonce(text: string): Nonce | undefined {
  if (text.length <= 2 * PREFIX_BYTES || text.length > 2 * MAX_BYTES || !FORM.test(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text, "hex"));
  return { bytes, prefix: prefixOf(bytes) };
}

export function prefixOf(nonce: Uint8Array): number {
  return new DataView(nonce.buffer, nonce.byteOffset, nonce.byteLength).getUint32(0);
}
