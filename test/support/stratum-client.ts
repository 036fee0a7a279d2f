/** A miner's end of a connection: requests by id with their answers, and what it is told meanwhile. */

import * as v from "valibot";
import { RawClient } from "./raw-client.ts";

const line = v.object({
  id: v.nullable(v.number()),
  method: v.optional(v.string()),
  params: v.optional(v.nullable(v.array(v.string()))),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ code: v.number(), message: v.string(), data: v.nullable(v.string()) })),
});
export type Line = v.InferOutput<typeof line>;

export interface Share {
  readonly jobId: string;
  readonly oprHash: string;
  readonly nonce: string;
  readonly target: string;
}

export class StratumClient {
  /** Everything the pool has said. */
  readonly lines: Line[] = [];
  target = 2n ** 64n - 1n;
  job: { readonly id: string; readonly oprHash: string } | undefined;
  prefix = "";
  readonly #client: RawClient;
  readonly #answers = new Map<number, (answer: Line | undefined) => void>();
  #nextId = 1;

  /** `address` is `host:port`. */
  static async connect(address: string): Promise<StratumClient> {
    const [host = "", port] = address.split(":");
    let client: StratumClient | undefined;
    const listener = {
      onLine(text: string) {
        if (client !== undefined) client.#take(v.parse(line, JSON.parse(text)));
      },
      onClosed() {
        if (client !== undefined) client.#forget();
      },
    };
    client = new StratumClient(await RawClient.connect(Number(port), listener, host));
    return client;
  }

  private constructor(client: RawClient) {
    this.#client = client;
  }

  get closed(): boolean {
    return this.#client.closed;
  }

  send(text: string): void {
    this.#client.send(text);
  }

  /** The pool's answer, or undefined when the connection ended without one. */
  call(method: string, params: readonly string[]): Promise<Line | undefined> {
    const id = this.#nextId++;
    if (this.closed) return Promise.resolve(undefined);
    const answer = new Promise<Line | undefined>((resolve) => this.#answers.set(id, resolve));
    this.send(`${JSON.stringify({ id, method, params })}\n`);
    return answer;
  }

  /** Subscribes and logs in; resolves to the answer to the login. */
  async login(user: string, ...registration: readonly string[]): Promise<Line | undefined> {
    const subscribed = await this.call("mining.subscribe", ["test/1"]);
    const ids = v.array(v.object({ type: v.string(), id: v.string() }));
    const given = v.parse(ids, subscribed?.result).find(({ type }) => type === "mining.set_nonce");
    this.#usePrefix(given?.id ?? "");
    return this.call("mining.authorize", [`${user},rig`, ...registration]);
  }

  submit(user: string, share: Share): Promise<Line | undefined> {
    return this.call("mining.submit", [user, share.jobId, share.nonce, share.oprHash, share.target]);
  }

  close(): void {
    this.#client.destroy();
  }

  #usePrefix(decimal: string): void {
    this.prefix = Number(decimal).toString(16).padStart(8, "0");
  }

  #forget(): void {
    for (const resolve of this.#answers.values()) resolve(undefined);
    this.#answers.clear();
  }

  #take(message: Line): void {
    this.lines.push(message);
    const { id, method, params } = message;
    const [first = "", second = ""] = params ?? [];
    if (method === "mining.notify") this.job = { id: first, oprHash: second };
    if (method === "mining.set_target") this.target = BigInt(`0x${first}`);
    if (method === "mining.set_nonce") this.#usePrefix(first);
    if (method === "mining.stop_mining") this.job = undefined;
    if (method !== undefined || id === null) return;
    this.#answers.get(id)?.(message);
    this.#answers.delete(id);
  }
}
