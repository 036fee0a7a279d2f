/** Bytes to lines, bounded: however the network cuts them, the lines are the same (STRATUM.md, L1 to L3). */

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Splits a byte stream at newlines. Once oversized it stays so: the caller closes the connection. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);
  #oversized: boolean = false;

  /** `maxBytes` counts the newline. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once a line was longer than allowed. Nothing is kept or returned from there on. */
  get oversized(): boolean {
    return this.#oversized;
  }

  /** Bytes of a line whose newline has not come yet. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** The lines completed by `chunk`, without their CR and LF; invalid UTF-8 becomes U+FFFD. Keeps no reference to `chunk`. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    while (!this.#oversized) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline + 1;
      const length = this.#rest.length + end - start;
      if (length > this.#maxBytes || (newline < 0 && length === this.#maxBytes)) {
        this.#oversized = true;
        this.#rest = new Uint8Array(0);
        break;
      }
      const line = this.#join(chunk.subarray(start, end));
      if (newline < 0) {
        this.#rest = new Uint8Array(line);
        break;
      }
      this.#rest = new Uint8Array(0);
      lines.push(this.#decode(line));
      start = end;
    }
    return lines;
  }

  #join(part: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return part;
    const joined = new Uint8Array(this.#rest.length + part.length);
    joined.set(this.#rest);
    joined.set(part, this.#rest.length);
    return joined;
  }

  #decode(line: Uint8Array): string {
    const end = line.at(-2) === CARRIAGE_RETURN ? line.length - 2 : line.length - 1;
    return this.#decoder.decode(line.subarray(0, end));
  }
}
