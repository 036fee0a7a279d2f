/** A miner on a raw socket that keeps every answer it was given: what the pool's books are compared with. */

import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { start } from "./prosper.ts";
import { until } from "./until.ts";

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
  closed = false;
  target = 2n ** 64n - 1n;
  job: { readonly id: string; readonly oprHash: string } | undefined;
  prefix = "";
  readonly #socket: Socket;
  readonly #answers = new Map<number, (answer: Line | undefined) => void>();
  #nextId = 1;
  #text = "";

  static connect(address: string): Promise<StratumClient> {
    const [host = "", port] = address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new StratumClient(socket)));
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      for (const resolve of this.#answers.values()) resolve(undefined);
      this.#answers.clear();
    });
  }

  send(text: string): void {
    this.#socket.write(text);
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
    this.#socket.destroy();
  }

  #usePrefix(decimal: string): void {
    this.prefix = Number(decimal).toString(16).padStart(8, "0");
  }

  #read(text: string): void {
    const parts = (this.#text + text).split("\n");
    this.#text = parts.pop() ?? "";
    for (const part of parts) this.#take(v.parse(line, JSON.parse(part)));
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

/** LXR hashes by `prosper hash`, one process for all of them. */
export class Hasher {
  readonly #running = start(["hash", "--bits", "16"]);

  async hash(inputs: readonly string[]): Promise<string[]> {
    this.#running.process.stdin?.write(`${inputs.join("\n")}\n`);
    const length = inputs.length * 65;
    await until(`${inputs.length} hashes`, () => this.#running.stdout().length >= length, { everyMs: 2 });
    return this.#running.takeStdout(length).trimEnd().split("\n");
  }

  close(): void {
    this.#running.process.stdin?.end();
  }
}

/** One user's mining over as many connections as it takes, and what became of each share. */
export class Ledger {
  readonly user: string;
  /** Answered true, or refused as a duplicate after an answer that never came: in the pool's hands. */
  readonly acknowledged: Share[] = [];
  /** Sent, and the connection ended before the answer. */
  unanswered: Share[] = [];
  /** Unanswered, and it can no longer be found out. */
  readonly unknown: Share[] = [];
  readonly refusals: (Line["error"] & object)[] = [];
  readonly #hasher: Hasher;
  #nonce = 0;

  constructor(user: string, hasher: Hasher) {
    this.user = user;
    this.#hasher = hasher;
  }

  /** Mines until `enough`, or until the connection ends. Does not wait for the last answers. */
  async mine(client: StratumClient, enough: () => boolean): Promise<void> {
    while (!enough() && !client.closed) {
      const { job, prefix } = client;
      if (job === undefined) {
        await until("a job", () => client.job !== undefined || client.closed);
        continue;
      }
      const nonces = Array.from(
        { length: 4096 },
        () => prefix + (this.#nonce++).toString(16).padStart(8, "0"),
      );
      const hashes = await this.#hasher.hash(nonces.map((nonce) => job.oprHash + nonce));
      for (const [i, nonce] of nonces.entries()) {
        const target = hashes[i]?.slice(0, 16) ?? "";
        if (BigInt(`0x${target}`) < client.target) continue;
        const share = { jobId: job.id, oprHash: job.oprHash, nonce, target };
        void client.submit(this.user, share).then((answer) => this.#book(share, answer));
      }
      // Leaves the cores to the pool.
      await pause(20);
    }
  }

  /**
   * Sends again what was never answered. True or "duplicate" says that it counts once; "low difficulty", which a share is told that is no
   * duplicate, that it does not count; anything else leaves it unknown.
   */
  async settle(client: StratumClient): Promise<void> {
    const open = this.unanswered;
    this.unanswered = [];
    const answers = await Promise.all(open.map((share) => client.submit(this.user, share)));
    for (const [i, share] of open.entries()) {
      const answer = answers[i];
      const refusal = answer?.error?.message;
      if (answer === undefined) this.unanswered.push(share);
      else if (answer.result === true || refusal === "ErrorDuplicateShare") this.acknowledged.push(share);
      else if (refusal !== "ErrorLowDifficulty") this.unknown.push(share);
    }
  }

  #book(share: Share, answer: Line | undefined): void {
    if (answer === undefined) this.unanswered.push(share);
    else if (answer.result === true) this.acknowledged.push(share);
    else if (answer.error !== undefined) this.refusals.push(answer.error);
  }
}

/** A Factoid address to register with. */
export const PAYOUT_ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";
