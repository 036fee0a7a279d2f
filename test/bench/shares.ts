/** Accepted shares a second, end to end: a real `prosper up`, real sockets, real hashes, acknowledged when on disk. `node test/bench/shares.ts` */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import { LxrKernel } from "../../shared/hash/kernel.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { claimRegion } from "../../shared/hash/shared-table.ts";
import { SILENT } from "../../shared/logger.ts";

const { values: flags } = parseArgs({
  options: {
    bits: { type: "string", default: "10" },
    connections: { type: "string", default: "40" },
    shares: { type: "string", default: "40000" },
    window: { type: "string", default: "16" },
  },
});
const BITS = Number(flags.bits);
const CONNECTIONS = Number(flags.connections);
const SHARES = Number(flags.shares);
const WINDOW = Number(flags.window);
const BLOCK_SECONDS = 120;
/** The easiest target a session may wish for. */
const TARGET = 0xf000_0000_0000_0000n;
/** One user sends what a whole pool does: the caps that keep flooders out are raised. */
const CONFIG = `[stratum]
linespersecond = 1000000
lineburst = 1000000
usersharespersecond = 1000000
`;
const ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";
const PROSPER = join(import.meta.dirname, "../../infra/launch/prosper.mjs");

interface Ready {
  stratum: string;
  inviteCode: string;
}

/** One miner's connection: requests by id, answers as promises. */
class Client {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: Record<string, unknown>) => void>();
  #nextId = 1;
  prefix = new Uint8Array();
  job: { id: string; oprHash: string } | undefined;
  target = 0n;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    createInterface({ input: this.#socket }).on("line", (line) => this.#onLine(JSON.parse(line)));
  }

  call(method: string, params: string[]): Promise<Record<string, unknown>> {
    const id = this.#nextId++;
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  tell(method: string, params: string[]): void {
    this.#socket.write(`${JSON.stringify({ id: this.#nextId++, method, params })}\n`);
  }

  end(): void {
    this.#socket.destroy();
  }

  #onLine(message: Record<string, unknown>): void {
    if (message["method"] === "mining.notify" && Array.isArray(message["params"])) {
      const [id, oprHash] = message["params"];
      this.job = { id: String(id), oprHash: String(oprHash) };
      return;
    }
    if (message["method"] === "mining.set_nonce" && Array.isArray(message["params"])) {
      this.prefix = u32ToBytes(Number(message["params"][0])) as Uint8Array<ArrayBuffer>;
      return;
    }
    if (message["method"] === "mining.set_target" && Array.isArray(message["params"])) {
      this.target = BigInt(`0x${message["params"][0]}`);
      return;
    }
    const waiting = this.#waiting.get(Number(message["id"]));
    this.#waiting.delete(Number(message["id"]));
    waiting?.(message);
  }
}

/** How many, by the error's name. */
const refusals = new Map<string, number>();

function count(error: unknown): void {
  const name =
    typeof error === "object" && error !== null && "message" in error ? String(error.message) : "closed";
  refusals.set(name, (refusals.get(name) ?? 0) + 1);
}

interface Share {
  nonce: string;
  target: string;
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "prosper-bench-"));
  const config = join(dataDir, "bench.toml");
  writeFileSync(config, CONFIG);
  const pool = spawn(
    process.execPath,
    [
      PROSPER,
      "up",
      "--json",
      "--config",
      config,
      "--data-dir",
      dataDir,
      "--web-port",
      "0",
      "--stratum-port",
      "0",
      "--miners",
      "0",
    ].concat(["--bits", `${BITS}`, "--block-seconds", `${BLOCK_SECONDS}`]),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const ready = await readyOf(pool);
    const clients = await connectAll(ready);
    const table = await openTable({ bits: BITS, logger: SILENT });
    const kernel = new LxrKernel(table, claimRegion(table));
    console.log(`mining ${SHARES} shares at ${BITS} bits …`);
    const work = clients.map((client) => mine(kernel, client, Math.ceil(SHARES / CONNECTIONS)));
    const latencies: number[] = [];
    const startMs = performance.now();
    const results = await Promise.all(
      clients.map((client, i) => submitAll(client, work[i] ?? [], latencies)),
    );
    const seconds = (performance.now() - startMs) / 1000;
    const accepted = results.reduce((sum, one) => sum + one, 0);
    latencies.sort((a, b) => a - b);
    const at = (part: number): string =>
      `${latencies[Math.floor(part * (latencies.length - 1))]?.toFixed(1)} ms`;
    console.log(
      `${accepted} of ${latencies.length} accepted in ${seconds.toFixed(2)} s: ${Math.round(accepted / seconds)} shares/s`,
    );
    console.log(
      `${CONNECTIONS} connections, ${WINDOW} in flight each; acknowledged after p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
    );
    for (const [name, times] of refusals) console.log(`refused ${times}: ${name}`);
    for (const client of clients) client.end();
  } finally {
    pool.kill("SIGINT");
    await new Promise((resolve) => pool.once("exit", resolve));
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function readyOf(pool: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    pool.once("exit", () => reject(new Error("the pool ended before it was ready")));
    if (pool.stdout !== null)
      createInterface({ input: pool.stdout }).on("line", (line) => resolve(JSON.parse(line)));
  });
}

async function connectAll(ready: Ready): Promise<Client[]> {
  const [host = "", port = ""] = ready.stratum.split(":");
  const clients: Client[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const client = new Client(host, Number(port));
    const reply = await client.call("mining.subscribe", ["bench/1"]);
    const result = reply["result"];
    const nonce = Array.isArray(result) ? result.find((one) => one.type === "mining.set_nonce") : undefined;
    client.prefix = u32ToBytes(Number(nonce?.id)) as Uint8Array<ArrayBuffer>;
    const registration = i === 0 ? ["bench-password", ready.inviteCode, ADDRESS] : ["", "", ""];
    const login = await client.call("mining.authorize", [`bench,rig${i}`, ...registration]);
    if (login["result"] !== true) throw new Error(`login refused: ${JSON.stringify(login)}`);
    client.tell("mining.suggest_target", [TARGET.toString(16)]);
    clients.push(client);
  }
  // A wish brings another prefix with the target.
  while (clients.some((client) => client.job === undefined || client.target > TARGET))
    await new Promise((resolve) => setTimeout(resolve, 50));
  return clients;
}

function mine(kernel: LxrKernel, client: Client, count: number): Share[] {
  const prefix = concat(fromHex(client.job?.oprHash ?? ""), client.prefix);
  const shares: Share[] = [];
  for (let start = 0; shares.length < count; start += 1024) {
    const difficulties = kernel.search({ prefix, start, suffixBytes: 4, count: 1024 });
    difficulties.forEach((difficulty, i) => {
      if (difficulty < TARGET || shares.length >= count) return;
      shares.push({
        nonce: toHex(concat(client.prefix, u32ToBytes(start + i))),
        target: difficulty.toString(16),
      });
    });
  }
  return shares;
}

/** Keeps WINDOW shares in flight; the number accepted. */
async function submitAll(client: Client, shares: Share[], latencies: number[]): Promise<number> {
  const { id = "", oprHash = "" } = client.job ?? {};
  let next = 0;
  let accepted = 0;
  const lane = async (): Promise<void> => {
    for (let share = shares[next++]; share !== undefined; share = shares[next++]) {
      const sentMs = performance.now();
      const reply = await client.call("mining.submit", ["bench", id, share.nonce, oprHash, share.target]);
      latencies.push(performance.now() - sentMs);
      if (reply["result"] === true) accepted++;
      else count(reply["error"]);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
  return accepted;
}

await main();
