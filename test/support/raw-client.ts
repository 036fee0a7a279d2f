/** A raw test client: sends bytes, keeps every line it gets, and can wait until the server has answered all. */

import { connect } from "node:net";
import type { Duplex } from "node:stream";

const FENCE_ID = 1_999_999_999;
const FENCE = `{"id":${FENCE_ID},"method":"mining.get_oprhash","params":[]}\n`;

export interface RawListener {
  /** Each line, without its newline, in the place of `lines`. */
  readonly onLine?: (line: string) => void;
  /** Once, when the server has closed its side. */
  readonly onClosed?: () => void;
}

export class RawClient {
  /** Lines with their newline, fences left out. */
  readonly lines: string[] = [];
  closed = false;
  readonly #socket: Duplex;
  readonly #listener: RawListener;
  #text = "";
  #waiters: (() => void)[] = [];
  #fences = 0;

  constructor(socket: Duplex, listener: RawListener = {}) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => undefined);
    for (const event of ["end", "close"])
      socket.on(event, () => {
        const isFirst = !this.closed;
        this.closed = true;
        socket.end();
        this.#wake();
        if (isFirst) listener.onClosed?.();
      });
  }

  static connect(port: number, listener: RawListener = {}, host = "127.0.0.1"): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawClient(socket, listener)));
    });
  }

  send(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** Resolves when the server has answered everything sent so far, or has closed. */
  async fence(): Promise<void> {
    if (this.closed) return;
    const seen = this.#fences;
    this.#socket.write(FENCE);
    await this.until(() => this.#fences > seen || this.closed);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Stops reading, as a stuck client does. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  /** Hangs up. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes its side and waits for the server's. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.until(() => this.closed);
  }

  #receive(text: string): void {
    const parts = (this.#text + text).split("\n");
    this.#text = parts.pop() ?? "";
    for (const line of parts) {
      if (line.startsWith(`{"id":${FENCE_ID},`)) this.#fences += 1;
      else if (this.#listener.onLine === undefined) this.lines.push(`${line}\n`);
      else this.#listener.onLine(line);
    }
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
