/** Bytes to lines, bounded: however the network cuts them, the lines are the same (STRATUM.md, L1 to L3). */

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING = new Uint8Array(0);
/** Keeps nothing from one line to the next, so that all share it. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Splits a byte stream at newlines. Lines are cut off one by one, so that what waits is the bytes alone: a chunk of many tiny lines
 * takes no more memory than one of a few long ones.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #bytes: Uint8Array = NOTHING;
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
    return this.#bytes.length;
  }

  /** Adds bytes. `chunk` is the splitter's from here on. */
  push(chunk: Uint8Array): void {
    if (this.#oversized) return;
    if (this.#bytes.length === 0) {
      this.#bytes = chunk;
      return;
    }
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined;
  }

  /** The next line without its CR and LF, undefined when none is complete; invalid UTF-8 becomes U+FFFD. */
  next(): string | undefined {
    const newline = this.#bytes.indexOf(NEWLINE);
    const length = newline < 0 ? this.#bytes.length + 1 : newline + 1;
    if (length > this.#maxBytes) {
      this.#oversized = true;
      this.#bytes = NOTHING;
      return undefined;
    }
    if (newline < 0) {
      // A copy, or a few bytes would keep the whole chunk alive.
      this.#bytes = this.#bytes.length === 0 ? NOTHING : new Uint8Array(this.#bytes);
      return undefined;
    }
    const end = this.#bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    const line = DECODER.decode(this.#bytes.subarray(0, end));
    this.#bytes = this.#bytes.subarray(newline + 1);
    return line;
  }
}
