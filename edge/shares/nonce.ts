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
  const bytes = new Uint8Array(length / 2);
  // By hand: for so few bytes a call into Node and the copy behind it take longer.
  for (let at = 0; at < bytes.length; at++) {
    const high = digitOf(text.charCodeAt(2 * at));
    const low = digitOf(text.charCodeAt(2 * at + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[at] = (high << 4) | low;
  }
  return { bytes, prefix: prefixOf(bytes) };
}

/** What a hex digit of any case stands for; -1 for anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

export function prefixOf(nonce: Uint8Array): number {
  const at = (place: number): number => nonce[place] ?? 0;
  return ((at(0) << 24) | (at(1) << 16) | (at(2) << 8) | at(3)) >>> 0;
}
