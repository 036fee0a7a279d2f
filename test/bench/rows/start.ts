/** `npm start` until the pool says that it is ready, and until the local miner's first share is on disk: all new, in a new folder, and in one that was used before. */

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { cpuSecondsOf } from "../process-cpu.ts";
import { nextLine, type Room } from "../room.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const READY = v.object({ event: v.literal("ready"), web: v.string() });
const ACCEPTED = /^prosper_shares_accepted_total [1-9]/m;
const FIRST_SHARE_MS = 120_000;
const LOOK_MS = 20;

/** In this order, since each leaves behind what the next one needs: a code cache, then a data folder. */
const KINDS = [
  { end: "-cold", data: "first", what: "with a new home, data folder and code cache" },
  { end: "", data: "second", what: "in a new data folder" },
  { end: "-again", data: "second", what: "in a data folder that was used before" },
] as const;

async function open({ quick, peers }: Setting, room: Room): Promise<Opened> {
  const turn = (checkout: string) => async (): Promise<Values> => {
    const home = room.folder();
    // PostgreSQL runs as a user of its own where this is root.
    chmodSync(home, 0o755);
    const values: Record<string, number> = {};
    for (const { end, data } of KINDS) {
      if (quick && end !== "") continue;
      if (end === "-cold")
        rmSync(join(checkout, "node_modules/.cache/prosper"), { recursive: true, force: true });
      const times = await startOnce(checkout, home, join(home, data), room);
      values[`start-ready${end}`] = times.ready;
      values[`start-first-share${end}`] = times.firstShare;
      if (times.cpu > 0) values[`start-cpu${end}`] = times.cpu;
    }
    return values;
  };
  const { checkout } = peers;
  return { ours: turn(PROJECT), peer: checkout === undefined ? undefined : turn(checkout) };
}

/** Seconds from the command. */
interface Times {
  readonly ready: number;
  readonly firstShare: number;
  /** CPU seconds of npm, the pool and its PostgreSQL up to the first share; 0 where there is no /proc. */
  readonly cpu: number;
}

async function startOnce(checkout: string, home: string, dataDir: string, room: Room): Promise<Times> {
  const { DATABASE_URL: _, NODE_COMPILE_CACHE: _cache, ...inherited } = process.env;
  const ports = ["--web-port", "0", "--stratum-port", "0"];
  const startMs = performance.now();
  const child = spawn("npm", ["start", "--silent", "--", "--json", "--data-dir", dataDir, ...ports], {
    cwd: checkout,
    env: { ...inherited, HOME: home, PATH: pathOfUser() },
    stdio: ["ignore", "pipe", "inherit"],
    // A process group of its own: Ctrl-C in a terminal reaches npm and all below it.
    detached: true,
  });
  const gone = new Promise<void>((resolve) =>
    child.once("close", () => resolve()).once("error", () => resolve()),
  );
  const stop = (): Promise<void> => {
    interrupt(child);
    return gone;
  };
  room.onTidy(stop);
  const since = (): number => (performance.now() - startMs) / 1000;
  const { web } = v.parse(READY, JSON.parse(await nextLine(child, "npm start")()));
  const ready = since();
  while (!ACCEPTED.test(await (await fetch(`${web}/metrics`)).text())) {
    if (since() * 1000 > FIRST_SHARE_MS)
      throw new Error(`npm start: expected a share within ${FIRST_SHARE_MS / 1000} s, got none`);
    await pause(LOOK_MS);
  }
  const times = { ready, firstShare: since(), cpu: cpuSecondsOf([child.pid ?? 0, ...serverOf(dataDir)]) };
  await stop();
  return times;
}

function interrupt({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGINT");
}

/** Without the folders that an npm script of this project puts before the user's own. */
function pathOfUser(): string {
  const parts = (process.env["PATH"] ?? "").split(":");
  return parts.filter((part) => !part.includes("node_modules") && !part.includes("node-gyp-bin")).join(":");
}

/** The PostgreSQL of a data folder: nobody's child. */
function serverOf(dataDir: string): number[] {
  const file = join(dataDir, "postgres/data/postmaster.pid");
  return existsSync(file) ? [Number(readFileSync(file, "utf8").split("\n")[0])] : [];
}

function rowsOf({ end, what }: (typeof KINDS)[number]): [string, Row][] {
  return [
    [`start-ready${end}`, { unit: "s", what: `until the pool is ready, ${what}`, better: "less" }],
    [
      `start-first-share${end}`,
      { unit: "s", what: `until the first share is on disk, ${what}`, better: "less" },
    ],
    [
      `start-cpu${end}`,
      { unit: "s", what: `CPU time of all its processes until then, ${what}`, better: "less" },
    ],
  ];
}

export const START: Bench = {
  name: "start",
  what: "`npm start` with a local miner, a table of 16 bits and blocks of 10 s; the peer is another checkout",
  rounds: 5,
  rows: Object.fromEntries(KINDS.flatMap(rowsOf)),
  open,
};
