/** Text out of bytes that need not be UTF-8: PegNet contents carry whatever a miner wrote. */

import { isUtf8 } from "node:buffer";

/** An invalid byte b stands in a text as the lone surrogate U+DC00+b (the scheme of PEP 383). */
const ESCAPE_BASE = 0xdc00;
const REPLACEMENT = "\ufffd";

/** A text that gives the same bytes back by `textToBytes`, valid UTF-8 or not. */
export function bytesToText(bytes: Uint8Array): string {
  return decode(bytes, (byte) => String.fromCharCode(ESCAPE_BASE + byte));
}

/** Text with every invalid byte replaced by U+FFFD, one for one, as Go's decoders do it. */
export function bytesToReplacedText(bytes: Uint8Array): string {
  return decode(bytes, () => REPLACEMENT);
}

/** UTF-8; the escapes of `bytesToText` become their bytes again, any other lone surrogate U+FFFD. */
export function textToBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text);
  const out: number[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isEscape = character.length === 1 && code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff;
    if (isEscape) out.push(code - ESCAPE_BASE);
    else out.push(...new TextEncoder().encode(character));
  }
  return Uint8Array.from(out);
}

function decode(bytes: Uint8Array, replaceInvalid: (byte: number) => string): string {
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  if (isUtf8(bytes)) return utf8.decode(bytes);
  let text = "";
  let at = 0;
  for (const byte of bytes.entries()) {
    if (byte[0] < at) continue;
    const sequence = bytes.subarray(at, at + sequenceLength(byte[1]));
    const isValid = isUtf8(sequence);
    text += isValid ? utf8.decode(sequence) : replaceInvalid(byte[1]);
    at += isValid ? sequence.length : 1;
  }
  return text;
}

/** Bytes of the UTF-8 sequence that starts with `lead`. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
