/** The client side of the load programs: a server process, thin connections, and figures. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { SMALL_BITS } from "./table.ts";

export interface ServerReport {
  readonly connections: number;
  readonly rssMb: number;
  readonly lagMs: number;
  /** Of one core, over the last second. */
  readonly cpuPercent: number;
}

/** As the image and the launcher start an edge (infra/launch/bootstrap.mjs). */
const SERVICE_FLAGS = ["--max-semi-space-size=8"];

/** The server process; started again by `start` after `kill`. */
export class LoadServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "prosper-load-"));
  #child: ChildProcess | undefined;
  readonly #bits: number;
  port = 0;
  reports: ServerReport[] = [];

  constructor(bits: number = SMALL_BITS) {
    this.#bits = bits;
  }

  async start(): Promise<void> {
    const file = fileURLToPath(new URL("server.ts", import.meta.url));
    const options = JSON.stringify({ folder: this.#folder, port: this.port, bits: this.#bits });
    const child = spawn(process.execPath, [...SERVICE_FLAGS, file, options], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => reject(new Error("the server ended")));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const told = JSON.parse(line) as { ready?: boolean; port?: number } & ServerReport;
        if (told.ready !== true) return void this.reports.push(told);
        this.port = told.port ?? 0;
        resolve();
      });
    });
    child.removeAllListeners("exit");
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  nextJob(): void {
    this.#child?.stdin?.write("job\n");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    // Ctrl-C reaches it too.
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A connection that subscribes and logs in at once. */
export class LoadClient {
  readonly socket: Socket;
  prefix = 0;
  job: { height: string; oprHash: string } | undefined;
  onNotify: () => void = () => undefined;
  onEnd: () => void = () => undefined;
  isOpen = true;
  readonly #waiting = new Map<number, (line: string) => void>();
  #text = "";
  #nextId = 10;
  readonly loggedIn: Promise<boolean>;

  constructor(port: number, login: string) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text: string) => this.#receive(text));
    this.socket.on("error", () => undefined);
    this.loggedIn = new Promise((resolve) => {
      this.#waiting.set(2, (line) => resolve(line.includes('"result":true')));
      this.socket.on("close", () => {
        this.isOpen = false;
        resolve(false);
        for (const answer of this.#waiting.values()) answer("");
        this.#waiting.clear();
        this.onEnd();
      });
    });
    this.socket.write(
      `{"id":1,"method":"mining.subscribe","params":["load"]}\n{"id":2,"method":"mining.authorize","params":["${login}","","",""]}\n`,
    );
  }

  /** The answer's line, "" where the connection ended first. */
  request(method: string, params: readonly string[]): Promise<string> {
    if (!this.isOpen) return Promise.resolve("");
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  end(): void {
    this.socket.destroy();
  }

  #receive(text: string): void {
    const parts = (this.#text + text).split("\n");
    this.#text = parts.pop() ?? "";
    for (const line of parts) this.#onLine(line);
  }

  #onLine(line: string): void {
    const answered = /^\{"id":(\d+),"(?:result|error)"/.exec(line)?.[1];
    if (answered !== undefined) {
      this.prefix = Number(/"mining.set_nonce","id":"?(\d+)/.exec(line)?.[1] ?? this.prefix);
      const id = Number(answered);
      this.#waiting.get(id)?.(line);
      this.#waiting.delete(id);
      return;
    }
    const moved = /"mining.set_nonce","params":\["(\d+)"/.exec(line)?.[1];
    if (moved !== undefined) this.prefix = Number(moved);
    const notify = /"mining.notify","params":\["(\d+)","([0-9a-f]{64})"/.exec(line);
    if (notify === null) return;
    this.job = { height: notify[1] ?? "", oprHash: notify[2] ?? "" };
    this.onNotify();
  }
}

/** A share of the client's job that reaches 1 in 16; `from` counts nonces. */
export async function findShare(
  client: LoadClient,
  from: number,
  hasher: Hasher,
): Promise<{ params: string[]; next: number }> {
  const { height = "", oprHash = "" } = client.job ?? {};
  const head = fromHex(oprHash);
  for (let counter = from; ; counter++) {
    const nonce = concat(u32ToBytes(client.prefix), u32ToBytes(counter));
    const [hash] = await hasher.hash([concat(head, nonce)]);
    const reached = bytesToU64(hash ?? new Uint8Array(8));
    if (reached >= 0xf000_0000_0000_0000n)
      return { params: [height, toHex(nonce), oprHash, reached.toString(16)], next: counter + 1 };
  }
}

/** p50, p99 and the longest, in milliseconds. */
export function figures(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms (${sorted.length})`;
}

export function p99(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(0.99 * (sorted.length - 1))] ?? 0;
}

export const pauseMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
