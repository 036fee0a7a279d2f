/** A raw test client: sends bytes, keeps every line it gets, and can wait until the server has answered all. */

import { connect } from "node:net";
import type { Duplex } from "node:stream";

const FENCE_ID = 1_999_999_999;
const FENCE = `{"id":${FENCE_ID},"method":"mining.get_oprhash","params":[]}\n`;

export class RawClient {
  /** Lines with their newline, fences left out. */
  readonly lines: string[] = [];
  closed = false;
  readonly #socket: Duplex;
  #text = "";
  #waiters: (() => void)[] = [];
  #fences = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => undefined);
    for (const event of ["end", "close"])
      socket.on(event, () => {
        this.closed = true;
        socket.end();
        this.#wake();
      });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawClient(socket)));
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
      else this.lines.push(`${line}\n`);
    }
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
