/** One connection of the load generator: it logs in, and then sends lines that were made before and counts their answers. */

import { connect, type Socket } from "node:net";
import { machineMs } from "./protocol.ts";

/** All connections read into the same bytes, one after the other: nothing is allocated for a chunk. */
const CHUNK = Buffer.allocUnsafe(65_536);
const TRUE = '"result":true';
/** Refusals that are kept to be shown. */
const SHOWN = 3;

export class Link {
  readonly #socket: Socket;
  #text = "";
  #error: Error | undefined;
  /** What it was told to show: why it is sent away, at the end. */
  #lastWords = "";
  prefix: number | undefined;
  target: bigint | undefined;
  job: { readonly id: string; readonly oprHash: string } | undefined;
  isIn = false;
  /** When it heard of the last job. */
  heardMs: number | undefined;
  accepted = 0;
  answered = 0;
  readonly refusals: string[] = [];
  /** Called for all answers of one read together. */
  onAnswers: (count: number) => void = () => undefined;
  /** It is of no more use. */
  onLost: (error: Error) => void = () => undefined;

  constructor(port: number, greeting: string) {
    this.#socket = connect({
      ...{ host: "127.0.0.1", port, noDelay: true },
      onread: {
        buffer: CHUNK,
        callback: (bytes) => {
          this.#receive(CHUNK.toString("latin1", 0, bytes));
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.on("close", () =>
      this.onLost(this.#error ?? new Error(`the server closed the connection${this.#said()}`)),
    );
    this.#socket.write(greeting);
  }

  send(lines: string): void {
    this.#socket.write(lines, "latin1");
  }

  #said(): string {
    return this.#lastWords === "" ? "" : `; its last words: ${this.#lastWords}`;
  }

  #receive(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    let answers = 0;
    for (const line of lines) {
      if (line.includes('"method":')) this.#onNews(line);
      else if (!this.isIn) this.#onGreeting(line);
      else {
        answers += 1;
        if (line.includes(TRUE)) this.accepted += 1;
        else if (this.refusals.length < SHOWN) this.refusals.push(line);
      }
    }
    if (answers === 0) return;
    this.answered += answers;
    this.onAnswers(answers);
  }

  #onGreeting(line: string): void {
    const { id, result } = JSON.parse(line);
    if (id === 1 && Array.isArray(result)) {
      const nonce = result.find((one: { type?: string }) => one.type === "mining.set_nonce");
      this.prefix ??= Number(nonce?.id);
      return;
    }
    if (id !== 2) return;
    if (result === true) this.isIn = true;
    else this.onLost(new Error(`the login was refused: ${line}`));
  }

  #onNews(line: string): void {
    if (line.includes('"mining.notify"')) {
      this.heardMs = machineMs();
      const [id, oprHash] = JSON.parse(line).params;
      this.job = { id: String(id), oprHash: String(oprHash) };
    } else if (line.includes('"mining.set_target"')) {
      this.target = BigInt(`0x${JSON.parse(line).params[0]}`);
    } else if (line.includes('"mining.set_nonce"')) {
      this.prefix = Number(JSON.parse(line).params[0]);
    } else if (line.includes('"mining.stop_mining"')) {
      this.job = undefined;
    } else if (line.includes('"client.show_message"')) {
      this.#lastWords = line;
    }
  }
}
