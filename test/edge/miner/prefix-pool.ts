/** A pool on a real port that keeps to the rule of prefixes: each has one target for its whole life, and every share is hashed and judged by it. */

import { createServer, type Server, type Socket } from "node:net";
import { fromHex } from "../../../shared/bytes.ts";
import { difficultyOf } from "../../../shared/hash/kernel.ts";
import {
  encodeRefusal,
  encodeRequest,
  encodeResult,
  formatTarget,
  parseStratumLine,
  type StratumErrorName,
  type StratumId,
  stratumError,
} from "../../../shared/messages/stratum.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

/** A target of one share in `hashes` on average. */
export const oneIn = (hashes: bigint): bigint => 2n ** 64n - 2n ** 64n / hashes;

interface Prefix {
  readonly number: number;
  readonly target: bigint;
}

export class PrefixPool {
  readonly #hasher = smallHasher(10);
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Peers that vanished: nothing they sent is read, nothing is said to them. */
  readonly #vanished = new Set<Socket>();
  readonly #prefixes = new Map<number, Prefix>();
  /** oprHash and nonce of every share taken. */
  readonly taken = new Set<string>();
  readonly refused: string[] = [];
  readonly answeredDuplicates: string[] = [];
  /** When it is set, every share is answered by it. */
  answer: ((socket: Socket, id: StratumId, judge: () => void) => void) | undefined;
  connections = 0;
  #away = false;
  #job: { readonly height: number; readonly oprHash: string } | undefined;
  #current: Prefix;
  #nextPrefix = 1;

  constructor(target: bigint) {
    this.#current = this.#draw(target);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  announce(height: number, oprHash: string): void {
    this.#job = { height, oprHash };
    this.#current = this.#draw(this.#current.target);
    this.#say(this.#nonceLine() + this.#jobLine());
  }

  stopMining(): void {
    this.#job = undefined;
    this.#say(encodeRequest(1, "mining.stop_mining", null));
  }

  /** A new prefix with this target: harder, the target comes first; easier, the prefix. */
  retarget(target: bigint): void {
    const harder = target > this.#current.target;
    this.#current = this.#draw(target);
    this.#say(harder ? this.#targetLine() + this.#nonceLine() : this.#nonceLine() + this.#targetLine());
  }

  /** Ends all connections for `ms`; "half-open" = without a word to the peer, which keeps its socket. */
  async cut(kind: "clean" | "half-open", ms: number): Promise<void> {
    this.#away = true;
    for (const socket of this.#sockets)
      if (kind === "clean") socket.destroy();
      else this.#vanished.add(socket);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#away = false;
  }

  /** Nonces up to each prefix's last that reach its target and were never sent. */
  async missing(oprHash: string): Promise<string[]> {
    const missing: string[] = [];
    for (const { number, target } of this.#prefixes.values()) {
      const start = `${oprHash} ${number.toString(16).padStart(8, "0")}`;
      const counters = [...this.taken]
        .filter((share) => share.startsWith(start))
        .map((share) => parseInt(share.slice(start.length), 16));
      const nonces = Array.from(
        { length: Math.max(-1, ...counters) + 1 },
        (_, counter) => `${start}${counter.toString(16).padStart(8, "0")}`,
      );
      const difficulties = await this.#difficulties(nonces);
      missing.push(
        ...nonces.filter((nonce, i) => (difficulties[i] ?? 0n) >= target && !this.taken.has(nonce)),
      );
    }
    return missing;
  }

  #draw(target: bigint): Prefix {
    const prefix = { number: Math.imul(this.#nextPrefix++, 0x9e37_79b1) >>> 0, target };
    this.#prefixes.set(prefix.number, prefix);
    return prefix;
  }

  #accept(socket: Socket): void {
    if (this.#away) {
      socket.destroy();
      return;
    }
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) if (!this.#vanished.has(socket)) this.#hear(socket, line);
    });
  }

  #hear(socket: Socket, line: string): void {
    const message = parseStratumLine(line);
    if (message.kind !== "request" || message.params.kind !== "list") return;
    const { id, method, params } = message;
    if (method === "mining.subscribe") {
      // Never the target of a session before: what was found under it keeps its own.
      this.#current = this.#draw(oneIn(300n));
      const nonce = { type: "mining.set_nonce", id: String(this.#current.number) };
      socket.write(this.#targetLine() + encodeResult(id, [nonce]));
    } else if (method === "mining.authorize") socket.write(encodeResult(id, true) + this.#jobLine());
    else if (method === "mining.submit") {
      const judge = (): void => void this.#judge(socket, id, params.values);
      if (this.answer === undefined) judge();
      else this.answer(socket, id, judge);
    } else socket.write(encodeResult(id, ""));
  }

  async #judge(socket: Socket, id: StratumId, params: readonly string[]): Promise<void> {
    const [, , nonce = "", oprHash = ""] = params;
    const share = `${oprHash} ${nonce}`;
    const prefix = this.#prefixes.get(parseInt(nonce.slice(0, 8), 16));
    const [difficulty = 0n] = await this.#difficulties([share]);
    if (this.#vanished.has(socket)) return;
    if (prefix === undefined) this.#refuse(socket, id, "ErrorWrongPrefix", share);
    else if (difficulty < prefix.target) this.#refuse(socket, id, "ErrorLowDifficulty", share);
    else if (this.taken.has(share)) {
      this.answeredDuplicates.push(share);
      socket.write(encodeRefusal(id, stratumError("ErrorDuplicateShare")));
    } else {
      this.taken.add(share);
      socket.write(encodeResult(id, true));
    }
  }

  #refuse(socket: Socket, id: StratumId, name: StratumErrorName, share: string): void {
    this.refused.push(`${name} ${share}`);
    socket.write(encodeRefusal(id, stratumError(name)));
  }

  async #difficulties(shares: readonly string[]): Promise<bigint[]> {
    const inputs = shares.map((share) => fromHex(share.replace(" ", ""), "share"));
    return [...(await this.#hasher.hash(inputs))].map((hash) => difficultyOf(hash));
  }

  #say(lines: string): void {
    for (const socket of this.#sockets) if (!this.#vanished.has(socket)) socket.write(lines);
  }

  #targetLine(): string {
    return encodeRequest(1, "mining.set_target", [formatTarget(this.#current.target)]);
  }

  #nonceLine(): string {
    return encodeRequest(1, "mining.set_nonce", [String(this.#current.number)]);
  }

  #jobLine(): string {
    if (this.#job === undefined) return "";
    return encodeRequest(1, "mining.notify", [String(this.#job.height), this.#job.oprHash, ""]);
  }
}
