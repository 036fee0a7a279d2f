/** Bytes to lines, bounded: however the network cuts them, the lines are the same (STRATUM.md, L1 to L3). */

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * Splits a byte stream at newlines. Lines are cut off one by one, so that what waits is the bytes alone: a chunk of many tiny lines
 * takes no more memory than one of a few long ones.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #bytes: Buffer = NOTHING;
  /** Where the first byte stands that was not yet returned. */
  #from = 0;
  #oversized: boolean = false;

  /** `maxBytes` counts the newline. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once a line was longer than allowed: nothing is kept or returned from there on, and the caller closes the connection. */
  get oversized(): boolean {
    return this.#oversized;
  }

  /** Bytes not yet returned as lines. After `next` has returned undefined they are the unfinished line. */
  get pendingBytes(): number {
    return this.#bytes.length - this.#from;
  }

  /** Adds bytes. `chunk` is the splitter's from here on. */
  push(chunk: Uint8Array): void {
    if (this.#oversized) return;
    this.#bytes =
      this.pendingBytes === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#bytes.subarray(this.#from), chunk]);
    this.#from = 0;
  }

  /** The next line without its CR and LF, undefined when none is complete; invalid UTF-8 becomes U+FFFD. */
  next(): string | undefined {
    const from = this.#from;
    const newline = this.#bytes.indexOf(NEWLINE, from);
    const length = newline < 0 ? this.pendingBytes + 1 : newline + 1 - from;
    if (length > this.#maxBytes) {
      this.#oversized = true;
      this.#keep(NOTHING);
      return undefined;
    }
    if (newline < 0) {
      this.#keep(this.#unfinished());
      return undefined;
    }
    const end = newline > from && this.#bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    this.#from = newline + 1;
    return this.#bytes.toString("utf8", from, end);
  }

  /** A copy of its own memory, or a few bytes would keep the whole chunk alive. */
  #unfinished(): Buffer {
    if (this.pendingBytes === 0) return NOTHING;
    const copy = Buffer.alloc(this.pendingBytes);
    this.#bytes.copy(copy, 0, this.#from);
    return copy;
  }

  #keep(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#from = 0;
  }
}
