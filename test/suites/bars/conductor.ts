/** A server that takes every share at once and gives a miner its cues, so that what it does at each can be measured to a few hashes. */

import { createServer, type Server, type Socket } from "node:net";
import { toHex } from "../../../shared/bytes.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { targetOfWork } from "../../../shared/difficulty/work.ts";
import {
  encodeRequest,
  encodeResult,
  formatTarget,
  parseStratumLine,
} from "../../../shared/messages/stratum.ts";
import type { Signals } from "./signals.ts";

/** Some hits in every batch of the Go miner's 256 hashes, and not more than its sender can send. */
export const HASHES_A_SHARE = 32;
const FIRST_PREFIX = 1;

export class Conductor {
  readonly #server: Server;
  readonly #signals: Signals;
  #socket: Socket | undefined;
  #nextId = 1;
  #height = 1_000;
  #prefix = FIRST_PREFIX;

  constructor(signals: Signals) {
    this.#signals = signals;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the conductor has no port");
    return address.port;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** A new job under the present prefix. */
  notify(): void {
    this.#height += 1;
    this.#tell("mining.notify", [`${this.#height}`, toHex(systemRandom(32)), "true"]);
  }

  stop(): void {
    this.#tell("mining.stop_mining", null);
  }

  setNonce(): void {
    this.#prefix += 1;
    this.#tell("mining.set_nonce", [`${this.#prefix}`]);
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }

  #tell(method: string, params: readonly string[] | null): void {
    this.#socket?.write(encodeRequest(this.#nextId, method, params));
    this.#nextId += 1;
    this.#signals.told(method, params ?? [], performance.now());
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      const lines = (text + chunk.toString("utf8")).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#hear(socket, line);
    });
  }

  #hear(socket: Socket, line: string): void {
    const message = parseStratumLine(line);
    if (message.kind !== "request") return;
    const [, , nonce = ""] = message.params.kind === "list" ? message.params.values : [];
    if (message.method === "mining.submit") this.#signals.share(nonce, performance.now());
    if (message.method === "mining.subscribe")
      socket.write(encodeResult(message.id, [{ type: "mining.set_nonce", id: `${FIRST_PREFIX}` }]));
    else socket.write(encodeResult(message.id, true));
    if (message.method !== "mining.authorize") return;
    this.#socket = socket;
    this.#tell("mining.set_target", [formatTarget(targetOfWork(BigInt(HASHES_A_SHARE)))]);
  }
}
