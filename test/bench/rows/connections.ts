/** What many connections cost: until the last one has heard of a new job, and in memory. */

import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Bench, CannotRun, type Opened, type Setting, type Values } from "../bench.ts";
import { startEdge } from "../edge.ts";
import { quantile } from "../figures.ts";
import { Generator } from "../generator/generator.ts";
import { machineMs } from "../generator/protocol.ts";
import { type StratumUnderTest, startPeerPool } from "../peers.ts";
import { peerLogin } from "../pool.ts";
import type { Room } from "../room.ts";

const BITS = 10;
const JOBS = 10;
const QUICK_JOBS = 2;
/** Between jobs, and before memory is looked at. */
const REST_MS = 300;
const SETTLE_MS = 3_000;
const JOINS = 10_000;
const JOINS_NAME = `joins-${JOINS}`;
/** Logins under way: what waits to be accepted holds as many on each server. */
const JOINS_AT_ONCE = 1_000;
const MEMORY_CLIENTS = 5_000;
const QUICK_CLIENTS = 100;

/** `turn` over our edge, and over the peer's where there is one. */
async function bothServers(
  setting: Setting,
  room: Room,
  turn: (server: StratumUnderTest) => Promise<() => Promise<Values>>,
): Promise<Opened> {
  const { pool: program } = setting.peers;
  const ours = await turn(await startEdge(BITS, room));
  if (program === undefined) return { ours, peer: undefined };
  return { ours, peer: await turn(await startPeerPool(program, BITS, room)) };
}

/** As `bothServers`, with a server of its own a turn: memory that was grown is not given back. */
function eachWithItsServer(
  { peers }: Setting,
  room: Room,
  turn: (server: StratumUnderTest, generator: Generator) => Promise<Values>,
): Opened {
  const { pool: program } = peers;
  const turns = (start: () => Promise<StratumUnderTest>) => async (): Promise<Values> => {
    const server = await start();
    const generator = new Generator(room);
    const values = await turn(server, generator);
    await generator.end();
    return values;
  };
  return {
    ours: turns(() => startEdge(BITS, room)),
    peer: program === undefined ? undefined : turns(() => startPeerPool(program, BITS, room)),
  };
}

function jobBench(clients: number): Bench {
  const name = `job-${clients}`;
  const open = (setting: Setting, room: Room): Promise<Opened> => {
    const count = setting.quick ? Math.min(clients, QUICK_CLIENTS) : clients;
    return bothServers(setting, room, async (server) => {
      const generator = new Generator(room);
      await generator.connect(peerLogin(server.port, count));
      return async () => {
        const waits: number[] = [];
        const last: number[] = [];
        for (let job = 0; job < (setting.quick ? QUICK_JOBS : JOBS); job++) {
          await generator.listen();
          const startMs = machineMs();
          server.nextJob();
          const heard = (await generator.heard()).map((ms) => ms - startMs);
          waits.push(...heard);
          last.push(Math.max(...heard));
          await pause(REST_MS);
        }
        return { [`${name}-p50`]: quantile(waits, 0.5), [`${name}-last`]: quantile(last, 0.99) };
      };
    });
  };
  return {
    name,
    what: `from a new job at the edge until ${clients} connections have heard of it, ${JOBS} jobs a round`,
    rounds: 3,
    isQuick: clients <= QUICK_CLIENTS,
    rows: {
      [`${name}-p50`]: { unit: "ms", what: "until half of them have heard", better: "less" },
      [`${name}-last`]: {
        unit: "ms",
        what: "until the last one has heard, p99 of the jobs",
        better: "less",
        growth: { of: "a job's way to the last connection, by connections", size: clients },
      },
    },
    open,
  };
}

/** Resident memory of a process. */
function residentKb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kb === undefined) throw new Error(`/proc/${pid}/status: expected VmRSS, got none`);
  return Number(kb);
}

/** As after an outage: all who were there come back, as fast as they are served. */
async function openJoins(setting: Setting, room: Room): Promise<Opened> {
  const count = setting.quick ? QUICK_CLIENTS : JOINS;
  return eachWithItsServer(setting, room, async (server, generator) => {
    const { seconds, cpuPercent } = await generator.connect({
      ...peerLogin(server.port, count),
      opening: JOINS_AT_ONCE,
    });
    return { [JOINS_NAME]: seconds, [`${JOINS_NAME}-generator`]: cpuPercent };
  });
}

async function openMemory(setting: Setting, room: Room): Promise<Opened> {
  if (!existsSync("/proc/self/status")) throw new CannotRun("it reads /proc, which only Linux has");
  const count = setting.quick ? QUICK_CLIENTS : MEMORY_CLIENTS;
  return eachWithItsServer(setting, room, async (server, generator) => {
    // The first fifth pays for what is made once.
    await generator.connect(peerLogin(server.port, count / 5));
    await pause(setting.quick ? REST_MS : SETTLE_MS);
    const before = residentKb(server.pid);
    await generator.connect(peerLogin(server.port, count));
    await pause(setting.quick ? REST_MS : SETTLE_MS);
    return { memory: (residentKb(server.pid) - before) / count };
  });
}

export const CONNECTION_BENCHES: readonly Bench[] = [
  ...[100, 1_000, 5_000, 10_000].map(jobBench),
  {
    name: "joins",
    what: `until ${JOINS} connections that come as fast as they are served are all subscribed and logged in and have a job, ${JOINS_AT_ONCE} under way; one that is not served fails it`,
    rounds: 3,
    rows: {
      [JOINS_NAME]: { unit: "s", what: "until the last one has its job", better: "less" },
      [`${JOINS_NAME}-generator`]: { unit: "% of a core", what: "the load generator's own CPU" },
    },
    open: openJoins,
  },
  {
    name: "memory",
    what: `resident memory of the edge's process for each of ${MEMORY_CLIENTS} more connections that have logged in`,
    rounds: 3,
    rows: { memory: { unit: "KB", what: "resident memory a connection", better: "less" } },
    open: openMemory,
  },
];
