/**
 * How long `npm start` takes to its ready line and to the first accepted share, on a new data folder and on one that is there already.
 * `node infra/launch/node.mjs test/bench/start.ts [--rounds N] [--peer CHECKOUT] [--json]`; with a peer, rounds of both take turns.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import * as v from "valibot";

export interface StartTimes {
  /** Milliseconds from the command to the line that says where the pool is. */
  readonly readyMs: number;
  /** Milliseconds from the command to the first share that the pool acknowledged. */
  readonly firstShareMs: number;
  /** CPU time of npm, the pool and its PostgreSQL up to the first share, in milliseconds. */
  readonly cpuMs: number;
}

/** `cold`: a new home, data folder and code cache. `fresh`: a new data folder. `again`: a data folder that was used before. */
export type StartKind = "cold" | "fresh" | "again";

export interface StartRound {
  readonly checkout: string;
  readonly kind: StartKind;
  readonly times: StartTimes;
  /** Of the machine, over a minute, before the round. */
  readonly load: number;
}

const PROJECT = resolve(import.meta.dirname, "../..");
const READY = v.object({ event: v.literal("ready"), web: v.string() });
const SHARE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** Of Linux: what /proc/PID/stat counts in. */
const TICK_MS = 10;

/** One round of each checkout after the other, so that what else the machine does falls on all of them. */
export async function measureStarts(options: {
  readonly checkouts: readonly string[];
  readonly rounds: number;
  readonly onRound?: (round: StartRound) => void;
}): Promise<readonly StartRound[]> {
  const all: StartRound[] = [];
  for (let i = 0; i < options.rounds; i++)
    for (const checkout of options.checkouts)
      for (const round of await threeStarts(checkout)) {
        all.push(round);
        options.onRound?.(round);
      }
  return all;
}

async function threeStarts(checkout: string): Promise<StartRound[]> {
  const home = mkdtempSync(join(tmpdir(), "prosper-bench-"));
  // PostgreSQL runs as a user of its own where this is root.
  chmodSync(home, 0o755);
  rmSync(join(checkout, "node_modules/.cache/prosper"), { recursive: true, force: true });
  try {
    const rounds: StartRound[] = [];
    for (const [kind, data] of [
      ["cold", "first"],
      ["fresh", "second"],
      ["again", "second"],
    ] as const) {
      const [load = 0] = loadavg();
      const times = await timeStart(checkout, home, join(home, data));
      rounds.push({ checkout, kind, times, load });
    }
    return rounds;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function timeStart(checkout: string, home: string, dataDir: string): Promise<StartTimes> {
  const { DATABASE_URL: _, NODE_COMPILE_CACHE: _cache, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, PATH: pathOfUser() };
  const ports = ["--web-port", "0", "--stratum-port", "0"];
  const began = performance.now();
  const child = spawn("npm", ["start", "--silent", "--", "--json", "--data-dir", dataDir, ...ports], {
    cwd: checkout,
    env,
    stdio: ["ignore", "pipe", "inherit"],
    // A process group of its own: Ctrl-C in a terminal reaches npm and all below it.
    detached: true,
  });
  const ended = once(child, "exit");
  try {
    const { web } = await readyLine(child);
    const readyMs = performance.now() - began;
    while ((await accepted(web)) === 0) {
      if (performance.now() - began > SHARE_WITHIN_MS)
        throw new Error(`no share was accepted within ${SHARE_WITHIN_MS} ms`);
      await pause(LOOK_EVERY_MS);
    }
    const firstShareMs = performance.now() - began;
    return { readyMs, firstShareMs, cpuMs: cpuMsOf([child.pid ?? 0, ...serverOf(dataDir)]) };
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
    await ended;
  }
}

/** Without the folders that an npm script of this project puts before the user's own. */
function pathOfUser(): string {
  const parts = (process.env["PATH"] ?? "").split(":");
  return parts.filter((part) => !part.includes("node_modules") && !part.includes("node-gyp-bin")).join(":");
}

async function readyLine(child: ChildProcess): Promise<v.InferOutput<typeof READY>> {
  if (child.stdout === null) throw new Error("npm has no standard output");
  for await (const line of createInterface({ input: child.stdout })) return v.parse(READY, JSON.parse(line));
  throw new Error("npm start ended before the pool was ready");
}

async function accepted(web: string): Promise<number> {
  const text = await (await fetch(`${web}/metrics`)).text();
  return Number(/^prosper_shares_accepted_total (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** The PostgreSQL of a data folder: nobody's child. */
function serverOf(dataDir: string): number[] {
  const file = join(dataDir, "postgres/data/postmaster.pid");
  return existsSync(file) ? [Number(readFileSync(file, "utf8").split("\n")[0])] : [];
}

/** CPU time that these processes, those they started, and those among them that have ended used so far. */
function cpuMsOf(roots: readonly number[]): number {
  const wanted = new Set(roots);
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)));
  // A parent's number is mostly lower than its child's, but not always: go on until nothing is added.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of stats) if (wanted.has(parent)) wanted.add(pid);
  }
  return stats.reduce((sum, { pid, ticks }) => sum + (wanted.has(pid) ? ticks * TICK_MS : 0), 0);
}

function statOf(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    // Behind the name in brackets, which may hold anything: state, parent, …; user, system, and both of the children waited for.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
      .map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
    return [{ pid, parent: fields[1] ?? 0, ticks }];
  } catch {
    return [];
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (import.meta.main) {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      peer: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const checkouts = [...(flags.peer === undefined ? [] : [resolve(flags.peer)]), PROJECT];
  const rounds = await measureStarts({
    checkouts,
    rounds: Number(flags.rounds),
    onRound: (round) => process.stderr.write(`${JSON.stringify(round)}\n`),
  });
  const rows = checkouts.flatMap((checkout) =>
    (["cold", "fresh", "again"] as const).map((kind) => {
      const those = rounds.filter((round) => round.checkout === checkout && round.kind === kind);
      const of = (value: (times: StartTimes) => number): number =>
        Math.round(median(those.map(({ times }) => value(times))));
      const load = median(those.map((round) => round.load));
      return {
        ...{ checkout, kind, readyMs: of((t) => t.readyMs), firstShareMs: of((t) => t.firstShareMs) },
        ...{ cpuMs: of((t) => t.cpuMs), load, rounds: those.length },
      };
    }),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
}
