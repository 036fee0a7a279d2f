/** One connection of a miner to a pool, from greeting to end: requests with their answers, and what the pool says of itself (shared/messages/STRATUM.md). */

import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../../shared/clock.ts";
import { LineSplitter } from "../../shared/messages/line-splitter.ts";
import {
  encodeRequest,
  encodeResult,
  parseJobId,
  parseStratumLine,
  parseTarget,
  type StratumError,
  type StratumId,
  type StratumMessage,
} from "../../shared/messages/stratum.ts";
import { tableBitsIn } from "../../shared/messages/table-bits.ts";
import { visible } from "./visible.ts";

export interface LoginParams {
  readonly user: string;
  readonly worker: string;
  readonly password: string;
  readonly invite: string;
  readonly payoutAddress: string;
}

/** A pool's answer. */
export interface PoolAnswer {
  readonly result: unknown;
  readonly error: StratumError | undefined;
}

/** What the pool says; each is called between the greeting and `onEnd`. */
export interface PoolConnectionHooks {
  onPrefix(prefix: number): void;
  /** The size of the pool's table, where it tells: before `onAuthorized`. */
  onTableBits?(bits: number): void;
  onAuthorized(): void;
  onRefused(reason: string): void;
  onJob(height: number, oprHash: string): void;
  onTarget(target: bigint): void;
  onStop(): void;
  onMessage(text: string): void;
  onReconnect(host: string, port: string, seconds: string): void;
  /** Called once, with the reason in words. */
  onEnd(reason: string): void;
}

/** The first byte of a TLS alert. No line begins with it. */
const TLS_ALERT = 0x15;
/** Longer than any line of this dialect. */
const MAX_POOL_LINE = 65_536;
const GREETING_MS = 30_000;
/** A pool says something every 240 s. */
const SILENCE_MS = 600_000;
const WATCH_MS = 5_000;
/** Requests that may wait for an answer. */
const MAX_OPEN = 1_024;

export class PoolConnection {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #hooks: PoolConnectionHooks;
  readonly #agent: string;
  readonly #splitter = new LineSplitter(MAX_POOL_LINE);
  readonly #open = new Map<StratumId, (answer: PoolAnswer | undefined) => void>();
  readonly #startedMs: number;
  #nextId = 1;
  #heardMs: number;
  #isHeard: boolean = false;
  #authorized: boolean = false;
  #ended: boolean = false;
  #watch: Timer;

  constructor(stream: Duplex, agent: string, modules: { readonly clock: Clock }, hooks: PoolConnectionHooks) {
    this.#stream = stream;
    this.#agent = agent;
    this.#clock = modules.clock;
    this.#hooks = hooks;
    this.#startedMs = modules.clock.monotonicMs();
    this.#heardMs = this.#startedMs;
    this.#watch = modules.clock.after(WATCH_MS, () => this.#onWatch());
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("end", () => this.end(this.#closed("the pool closed the connection")));
    stream.on("close", () => this.end(this.#closed("the connection was closed")));
    stream.on("error", (error: Error) => this.end(error.message));
  }

  /** Subscribes and logs in with one write. */
  greet(login: LoginParams): void {
    this.#ask("mining.subscribe", [this.#agent], (answer) => this.#onSubscribed(answer));
    const { user, worker, password, invite, payoutAddress } = login;
    const params = [`${user},${worker}`, password, invite, payoutAddress];
    this.#ask("mining.authorize", params, (answer) => this.#onLogin(answer));
  }

  /** The pool's answer; undefined where the connection ended first, or too many requests are open. */
  request(method: string, params: readonly string[]): Promise<PoolAnswer | undefined> {
    return new Promise((resolve) => this.#ask(method, params, resolve));
  }

  /** Sends a request that is never answered. */
  tell(method: string, params: readonly string[]): void {
    if (this.#ended) return;
    this.#stream.write(encodeRequest(this.#takeId(), method, params));
  }

  /** When the pool was last heard, by the monotonic clock. */
  heardMs(): number {
    return this.#heardMs;
  }

  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.stop();
    this.#stream.destroy();
    for (const resolve of this.#open.values()) resolve(undefined);
    this.#open.clear();
    this.#hooks.onEnd(reason);
  }

  /**
   * Every pool answers the greeting. A port for TLS closes at once, or sends an alert, when the greeting is not TLS: then the text asks whether this
   * is one.
   */
  #closed(how: string): string {
    const speaksTls = "encrypted" in this.#stream && this.#stream.encrypted === true;
    return this.#isHeard || speaksTls
      ? how
      : `${how} without a word: is this its port for TLS? Then give --tls`;
  }

  /**
   * The answer is handled before the next line is read. The prefix of the subscription would otherwise be taken up after the lines that follow it, in
   * place of a newer one, and shares would be worth the target of the older.
   */
  #ask(method: string, params: readonly string[], onAnswer: (answer: PoolAnswer | undefined) => void): void {
    if (this.#ended || this.#open.size >= MAX_OPEN) {
      onAnswer(undefined);
      return;
    }
    const id = this.#takeId();
    this.#open.set(id, onAnswer);
    this.#stream.write(encodeRequest(id, method, params));
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 0x7fff_ffff ? 1 : id + 1;
    return id;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (!this.#isHeard && chunk[0] === TLS_ALERT) {
      this.end("the pool speaks TLS on this port: give --tls");
      return;
    }
    this.#isHeard = true;
    this.#heardMs = this.#clock.monotonicMs();
    this.#splitter.push(chunk);
    for (let line = this.#splitter.next(); line !== undefined; line = this.#splitter.next()) {
      this.#hear(parseStratumLine(line));
      if (this.#ended) return;
    }
    if (this.#splitter.oversized) this.end("the pool sent a line that is too long");
  }

  #hear(message: StratumMessage): void {
    if (message.kind === "response") {
      const resolve = this.#open.get(message.id);
      this.#open.delete(message.id);
      resolve?.({ result: message.result, error: message.error });
    } else if (message.kind === "request" && message.params.kind === "list")
      this.#onRequest(message.id, message.method, message.params.values);
  }

  #onRequest(id: StratumId, method: string, params: readonly string[]): void {
    const [first = "", second = "", third = ""] = params;
    switch (method) {
      case "mining.notify":
        this.#onNotify(first, second);
        break;
      case "mining.set_target": {
        const target = parseTarget(first.replace(/^0x/i, ""));
        if (target !== undefined) this.#hooks.onTarget(target);
        break;
      }
      case "mining.set_nonce":
        this.#onNonce(first);
        break;
      case "mining.stop_mining":
        this.#hooks.onStop();
        break;
      case "client.get_version":
        this.#stream.write(encodeResult(id, this.#agent));
        break;
      case "client.show_message":
        this.#hooks.onMessage(visible(first));
        break;
      case "client.reconnect":
        this.#hooks.onReconnect(visible(first), visible(second), third);
        break;
    }
  }

  #onNotify(jobId: string, oprHash: string): void {
    const height = parseJobId(jobId);
    if (height !== undefined && /^[0-9a-f]{64}$/i.test(oprHash))
      this.#hooks.onJob(height, oprHash.toLowerCase());
  }

  #onNonce(text: string): void {
    const prefix = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (prefix <= 0xffff_ffff) this.#hooks.onPrefix(prefix);
  }

  #onSubscribed(answer: PoolAnswer | undefined): void {
    if (answer === undefined) return;
    const entries: unknown[] = Array.isArray(answer.result) ? answer.result : [];
    const bits = tableBitsIn(entries);
    if (bits !== undefined) this.#hooks.onTableBits?.(bits);
    const nonce = entries.find(isNonceSubscription);
    if (nonce === undefined) this.end("the pool gave no nonce prefix");
    else this.#onNonce(nonce.id);
  }

  #onLogin(answer: PoolAnswer | undefined): void {
    if (answer === undefined || this.#ended) return;
    if (answer.result === true) {
      this.#authorized = true;
      this.#hooks.onAuthorized();
    } else if (answer.result === false)
      this.#hooks.onRefused(
        typeof answer.error?.data === "string" ? visible(answer.error.data) : "the pool gives no reason",
      );
    else this.end(`the login was not understood: ${visible(answer.error?.message ?? "no verdict")}`);
  }

  #onWatch(): void {
    const now = this.#clock.monotonicMs();
    if (!this.#authorized && now - this.#startedMs >= GREETING_MS)
      this.end(`the pool did not answer the login within ${GREETING_MS / 1_000} s`);
    else if (now - this.#heardMs >= SILENCE_MS) this.end(`the pool was silent for ${SILENCE_MS / 1_000} s`);
    else this.#watch = this.#clock.after(WATCH_MS, () => this.#onWatch());
  }
}

function isNonceSubscription(entry: unknown): entry is { readonly id: string } {
  return (
    typeof entry === "object" &&
    entry !== null &&
    "type" in entry &&
    entry.type === "mining.set_nonce" &&
    "id" in entry &&
    typeof entry.id === "string"
  );
}
