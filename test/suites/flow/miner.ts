/** A miner over TCP that sends what it is told: it keeps to the dialect of the Go miner, and to the nonce prefix the pool gave it. */

import { parseStratumLine, type StratumMessage } from "../../../shared/messages/stratum.ts";
import { RawClient } from "../../support/raw-client.ts";

type Response = Extract<StratumMessage, { kind: "response" }>;

export interface MinerOptions {
  readonly port: number;
  readonly user: string;
  readonly worker: string;
  readonly subscribes: boolean;
}

export class Miner {
  readonly user: string;
  readonly worker: string;
  readonly #client: RawClient;
  readonly #messages: StratumMessage[] = [];
  #lastId = 0;

  private constructor(options: MinerOptions, client: RawClient) {
    this.user = options.user;
    this.worker = options.worker;
    this.#client = client;
  }

  /** Connects, subscribes where it is to, and logs in. */
  static async connect(options: MinerOptions): Promise<Miner> {
    const miner = new Miner(options, await RawClient.connect(options.port));
    if (options.subscribes) await miner.call("mining.subscribe", ["prosper/e2e"]);
    const login = await miner.call("mining.authorize", [`${options.user},${options.worker}`, "", "", ""]);
    if (login.result !== true) throw new Error(`${options.user} could not log in`);
    return miner;
  }

  /** Sends a share and waits for its verdict. */
  submit(share: { job: number; nonce: string; oprHash: string; target: bigint }): Promise<Response> {
    const { job, nonce, oprHash, target } = share;
    return this.call("mining.submit", [
      this.user,
      String(job),
      nonce,
      oprHash,
      target.toString(16).padStart(16, "0"),
    ]);
  }

  async call(method: string, params: readonly string[]): Promise<Response> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#client.send(`${JSON.stringify({ id, method, params })}\n`);
    await this.#client.until(() => this.#answer(id) !== undefined || this.#client.closed);
    const answer = this.#answer(id);
    if (answer === undefined) throw new Error(`the pool closed the connection of ${this.user} at ${method}`);
    return answer;
  }

  /** Parameters of the requests that the pool sent by this name, in order. */
  heard(method: string): string[][] {
    return this.#read().flatMap((message) =>
      message.kind === "request" && message.method === method && message.params.kind === "list"
        ? [[...message.params.values]]
        : [],
    );
  }

  /** Resolves when everything that the pool has sent by now is here. */
  settle(): Promise<void> {
    return this.#client.fence();
  }

  #answer(id: number): Response | undefined {
    for (const message of this.#read()) if (message.kind === "response" && message.id === id) return message;
    return undefined;
  }

  /** All messages so far. */
  #read(): readonly StratumMessage[] {
    this.#messages.push(...this.#client.take().map((line) => parseStratumLine(line)));
    return this.#messages;
  }
}
