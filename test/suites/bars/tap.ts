/** A line between one miner and the pool: counts and measures what passes, and can be cut, clean or half-open. */

import { connect, createServer, type Server, type Socket } from "node:net";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import {
  parseStratumLine,
  parseTarget,
  STRATUM_ERRORS,
  type StratumId,
} from "../../../shared/messages/stratum.ts";
import { Signals } from "./signals.ts";

export type CutKind = "clean" | "half-open";

/** One job as its miner heard of it. */
export interface Period {
  readonly height: number;
  accepted: number;
  /** From each announcement to the stop or the next job. */
  minedMs: number;
}

interface Sent {
  readonly oprHash: string;
  readonly again: boolean;
  readonly atMs: number;
}

/** A dead pair of sockets is reset after so long, as a restarted host resets what it does not know: the Go miner never looks at the time. */
const RESET_MS = 20_000;

export class Tap {
  readonly refused: Record<string, number> = {};
  readonly periods: Period[] = [];
  submitted = 0;
  accepted = 0;
  connections = 0;
  cuts = 0;
  /** Targets that its miner was told after the first one, and the last of all. */
  retargets = 0;
  target = 0n;
  /** Of all targets that its miner was told: hashes a share. */
  easiest = 0n;
  hardest = 0n;
  readonly signals = new Signals();
  /** How long each verdict took. */
  readonly verdictMs: number[] = [];
  readonly #server: Server;
  readonly #upstream: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #vanished = new Set<Socket>();
  /** Every share that was sent, on whatever connection. */
  readonly #sent = new Set<string>();
  readonly #byHash = new Map<string, Period>();
  #outage: { readonly kind: CutKind; readonly until: Promise<void> } | undefined;
  #mining: { readonly period: Period; readonly sinceMs: number } | undefined;

  constructor(host: string, port: number) {
    this.#upstream = { host, port };
    this.#server = createServer((miner) => void this.#accept(miner));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the tap has no port");
    return address.port;
  }

  close(): void {
    this.#server.close();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing passes for `ms`. Clean: both ends are told, and new connections are refused. Half-open: nobody is told anything. */
  cut(kind: CutKind, ms: number): void {
    this.cuts += 1;
    const until = new Promise<void>((resolve) => setTimeout(resolve, ms));
    this.#outage = { kind, until };
    void until.then(() => {
      this.#outage = undefined;
    });
    for (const pair of this.#pairs)
      for (const socket of pair)
        if (kind === "clean") socket.destroy();
        else {
          this.#vanished.add(socket);
          setTimeout(() => socket.resetAndDestroy(), RESET_MS).unref();
        }
  }

  /** Closes the period under way, for the figures. */
  endPeriod(): void {
    if (this.#mining === undefined) return;
    this.#mining.period.minedMs += performance.now() - this.#mining.sinceMs;
    this.#mining = undefined;
  }

  async #accept(miner: Socket): Promise<void> {
    miner.on("error", () => undefined);
    if (this.#outage?.kind === "clean") {
      miner.destroy();
      return;
    }
    await this.#outage?.until;
    this.connections += 1;
    const pool = connect(this.#upstream);
    const pair = [miner, pool] as const;
    this.#pairs.add(pair);
    const ids = new Map<StratumId, Sent>();
    this.#pass(miner, pool, (line) => this.#fromMiner(ids, line));
    this.#pass(pool, miner, (line) => this.#fromPool(ids, line));
    pool.once("close", () => this.#pairs.delete(pair));
  }

  #pass(from: Socket, to: Socket, onLine: (line: string) => void): void {
    let text = "";
    from.setNoDelay(true);
    from.on("error", () => undefined);
    from.on("close", () => {
      if (!this.#vanished.has(from)) to.destroy();
    });
    from.on("data", (chunk: Buffer) => {
      if (this.#vanished.has(from)) return;
      to.write(chunk);
      const lines = (text + chunk.toString("utf8")).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
  }

  #fromMiner(ids: Map<StratumId, Sent>, line: string): void {
    const message = parseStratumLine(line);
    if (message.kind !== "request" || message.method !== "mining.submit") return;
    const [, , nonce = "", oprHash = ""] = message.params.kind === "list" ? message.params.values : [];
    const share = `${oprHash} ${nonce}`.toLowerCase();
    const again = this.#sent.has(share);
    if (!again) this.submitted += 1;
    this.#sent.add(share);
    this.signals.share(nonce, performance.now());
    ids.set(message.id, { oprHash: oprHash.toLowerCase(), again, atMs: performance.now() });
  }

  #fromPool(ids: Map<StratumId, Sent>, line: string): void {
    const message = parseStratumLine(line);
    if (message.kind === "request") {
      const params = message.params.kind === "list" ? message.params.values : [];
      const [jobId = "", oprHash = ""] = params;
      this.signals.told(message.method, params, performance.now());
      if (message.method === "mining.set_target") this.#onTarget(parseTarget(jobId) ?? 0n);
      if (message.method === "mining.notify") this.#onNotify(Number(jobId), oprHash.toLowerCase());
      else if (message.method === "mining.stop_mining") this.endPeriod();
    } else if (message.kind === "response") {
      const sent = ids.get(message.id);
      if (sent === undefined || !ids.delete(message.id)) return;
      this.verdictMs.push(performance.now() - sent.atMs);
      // Sent a second time after a cut: the first was counted.
      const counted = sent.again && message.error?.code === STRATUM_ERRORS.ErrorDuplicateShare;
      if (message.result === true || counted) {
        this.accepted += 1;
        const period = this.#byHash.get(sent.oprHash);
        if (period !== undefined) period.accepted += 1;
      } else {
        const name = `${message.error?.message ?? "no reason"} (${String(message.error?.data ?? "")})`;
        this.refused[name] = (this.refused[name] ?? 0) + 1;
      }
    }
  }

  #onTarget(target: bigint): void {
    if (this.target !== 0n && target !== this.target) this.retargets += 1;
    this.target = target;
    const hashes = assignedWork(target);
    if (this.easiest === 0n || hashes < this.easiest) this.easiest = hashes;
    if (hashes > this.hardest) this.hardest = hashes;
  }

  #onNotify(height: number, oprHash: string): void {
    let period = this.#byHash.get(oprHash);
    if (this.#mining !== undefined && this.#mining.period === period) return;
    this.endPeriod();
    if (period === undefined) {
      period = { height, accepted: 0, minedMs: 0 };
      this.#byHash.set(oprHash, period);
      this.periods.push(period);
    }
    this.#mining = { period, sinceMs: performance.now() };
  }
}
