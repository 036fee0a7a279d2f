/** The pool and the Go miner of the bars, each a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { sleep, systemClock } from "../../../shared/clock.ts";

const COMMAND = join(import.meta.dirname, "../../../infra/launch/prosper.mjs");
const READY_MS = 120_000;
/** Where the table of 30 bits lies: neither the pool nor the Go miner makes it anew. */
const TABLES = join(homedir(), ".lxrhash");
/** Up to here the Go miner makes its table itself, in a moment. */
const QUICK_BITS = 24;
const READY = v.object({
  event: v.literal("ready"),
  stratum: v.string(),
  factomd: v.string(),
  inviteCode: v.string(),
});
export type Ready = v.InferOutput<typeof READY>;

export interface PoolOptions {
  readonly folder: string;
  readonly blockSeconds: number;
  readonly bits: number;
  /** Place of the network that the submission threshold is projected to. */
  readonly cutoff: number;
}

/** `prosper up` on a devnet, without a miner of its own. Rejects with what it said when it ends instead. */
export async function startPool(options: PoolOptions): Promise<Ready & { readonly child: ChildProcess }> {
  const config = join(options.folder, "prosper.toml");
  writeFileSync(
    config,
    `[app]\ntabledir = ${JSON.stringify(TABLES)}\n[submit]\nsubmissioncutoff = ${options.cutoff}\n`,
  );
  const flags = [
    "--config",
    config,
    "up",
    "--json",
    "--miners",
    "0",
    "--web-port",
    "0",
    "--stratum-port",
    "0",
  ];
  const child = spawn(
    process.execPath,
    [
      COMMAND,
      ...flags,
      "--data-dir",
      join(options.folder, "pool"),
      "--block-seconds",
      `${options.blockSeconds}`,
      "--bits",
      `${options.bits}`,
    ],
    { env: { ...process.env, HOME: options.folder }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stdout.includes("\n")) stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  const deadline = systemClock.monotonicMs() + READY_MS;
  while (!stdout.includes("\n")) {
    if (child.exitCode !== null || systemClock.monotonicMs() > deadline) {
      child.kill("SIGTERM");
      throw new Error(`the pool did not start: ${stderr}`);
    }
    await sleep(systemClock, 50);
  }
  return { ...v.parse(READY, JSON.parse(stdout.split("\n")[0] ?? "")), child };
}

/** Each call to the node takes so much longer from now on. Throws where this devnet cannot. */
export async function slowNode(factomd: string, delayMs: number): Promise<void> {
  const url = `${new URL(factomd).origin}/control`;
  const answer = await fetch(url, { method: "POST", body: JSON.stringify({ delayMs }) });
  if (!answer.ok)
    throw new Error(`the devnet does not take delayMs (HTTP ${answer.status}: ${await answer.text()})`);
}

export interface GoMiner {
  readonly child: ChildProcess;
  /** Hits that it threw away. */
  lost(): number;
  /** Types its console command. */
  suggestTarget(target: string): void;
}

/** An existing user's: it sends no password. Its standard input stays open, or it spins. */
export function startGoMiner(
  path: string,
  options: { readonly folder: string; readonly port: number; readonly user: string; readonly bits: number },
): GoMiner {
  const home = join(options.folder, "go-home");
  mkdirSync(home, { recursive: true });
  const tables = join(home, ".lxrhash");
  if (options.bits > QUICK_BITS && !existsSync(tables)) symlinkSync(TABLES, tables);
  const child = spawn(path, ["-s", `127.0.0.1:${options.port}`, "-u", options.user, "-m", "go", "-t", "1"], {
    env: { ...process.env, HOME: home, LXRBITSIZE: `${options.bits}` },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let lost = 0;
  let text = "";
  const read = (chunk: Buffer): void => {
    const lines = (text + chunk.toString()).split("\n");
    text = lines.pop() ?? "";
    lost += lines.filter((line) => line.includes("failed to submit")).length;
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  return {
    child,
    lost: () => lost,
    suggestTarget: (target) => void child.stdin.write(`suggesttarget ${target}\n`),
  };
}

/** Asks it to end, and ends it when it does not. */
export async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await gone;
  clearTimeout(timer);
}
