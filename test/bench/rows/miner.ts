/** The miner as it is run, at a server that counts: its rate is what a pool sees, shares times the hashes that each stands for. */

import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { quantile } from "../figures.ts";
import { PROSPER } from "../pool.ts";
import { end, type Room } from "../room.ts";
import { type Counting, countShares } from "./counting-pool.ts";
import { MINER_RATE } from "./miner-rate.ts";

const THREADS = 2;
const SECONDS = 20;
const QUICK_SECONDS = 3;
const QUICK_BITS = 16;
/** A large table may have to be read first. */
const FIRST_SHARE_MS = 180_000;
/** Small tables are hashed many times as fast: shares must not become what is measured. */
const HASHES_A_SHARE = { small: 4_096, large: 128 };

/** Shares so near to each other that the last one of a job says when its work ended. */
const HASHES_A_SHARE_OF_CHANGES = 16;
const CHANGES = 40;
const QUICK_CHANGES = 5;

/** Both miners in turns at a server that counts; `measure` is called when one has warmed up. */
async function bothMiners(
  setting: Setting,
  room: Room,
  bits: number,
  hashesAShare: number,
  measure: (server: Counting) => Promise<Values>,
): Promise<Opened> {
  const server = await countShares(hashesAShare, room);
  const { port, shares } = server;
  const turn = (start: () => ChildProcess) => async (): Promise<Values> => {
    const child = start();
    const before = shares();
    const untilMs = performance.now() + FIRST_SHARE_MS;
    while (shares() === before) {
      if (child.exitCode !== null || performance.now() > untilMs)
        throw new Error(`expected a share of ${child.spawnfile}, got none (exit code ${child.exitCode})`);
      await pause(20);
    }
    // It warms up first.
    await pause(1000);
    const values = await measure(server);
    await end(child);
    return values;
  };
  const flags = ["--host", `127.0.0.1:${port}`, "--user", "bench@example.org", "--worker", "rig"];
  const sizes = ["--threads", `${THREADS}`, "--bits", `${bits}`];
  const { miner } = setting.peers;
  return {
    ours: turn(() =>
      room.spawn(process.execPath, [PROSPER, "--log", "error", "miner", ...flags, ...sizes], {
        stdio: ["pipe", "ignore", "inherit"],
      }),
    ),
    peer:
      miner === undefined
        ? undefined
        : turn(() =>
            room.spawn(miner, [`127.0.0.1:${port}`, `${THREADS}`, `${bits}`], {
              stdio: ["pipe", "ignore", "ignore"],
            }),
          ),
  };
}

const bitsOf = ({ quick, bits }: Setting): number => (quick ? Math.min(bits, QUICK_BITS) : bits);

async function openRate(setting: Setting, room: Room): Promise<Opened> {
  const bits = bitsOf(setting);
  const seconds = setting.quick ? QUICK_SECONDS : SECONDS;
  const hashesAShare = bits > QUICK_BITS ? HASHES_A_SHARE.large : HASHES_A_SHARE.small;
  return bothMiners(setting, room, bits, hashesAShare, async ({ shares }) => {
    const from = shares();
    const startMs = performance.now();
    await pause(seconds * 1000);
    return { miner: ((shares() - from) * hashesAShare * 1000) / (performance.now() - startMs) };
  });
}

async function openChanges(setting: Setting, room: Room): Promise<Opened> {
  return bothMiners(setting, room, setting.bits, HASHES_A_SHARE_OF_CHANGES, async (server) => {
    const waits: number[] = [];
    for (let n = 0; n < (setting.quick ? QUICK_CHANGES : CHANGES); n++) waits.push(await server.changeJob());
    return { "miner-job": quantile(waits, 0.5), "miner-job-p99": quantile(waits, 0.99) };
  });
}

const MINER: Bench = {
  name: "miner",
  what: `the miner as a program, ${THREADS} threads over the large table, for ${SECONDS} s after its first share`,
  rounds: 3,
  needsTable: true,
  rows: {
    miner: {
      unit: "hashes/s",
      what: "shares times the hashes that each stands for, as a pool sees them",
      better: "more",
    },
  },
  open: openRate,
};

const MINER_JOB: Bench = {
  name: "miner-job",
  what: `from a new job's line at the miner, 2 threads over the large table, until its last share for the job before; ${CHANGES} jobs a round`,
  rounds: 3,
  // A table of 16 bits would be shares and nothing else.
  isQuick: false,
  needsTable: true,
  rows: {
    "miner-job": { unit: "ms", what: "half of the jobs", better: "less" },
    "miner-job-p99": { unit: "ms", what: "p99 of the jobs", better: "less" },
  },
  open: openChanges,
};

export const MINER_BENCHES: readonly Bench[] = [MINER, MINER_JOB, MINER_RATE];
