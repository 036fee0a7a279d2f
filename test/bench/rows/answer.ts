/** The answer to one share at an easy pace, beside what the disk alone takes. */

import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { quantile } from "../figures.ts";
import type { Connecting } from "../generator/protocol.ts";
import { startPeerPool } from "../peers.ts";
import { peerLogin, startPool } from "../pool.ts";
import type { Room } from "../room.ts";
import { shareTurns } from "../share-turns.ts";

const BITS = 10;
const SECONDS = 10;
const QUICK_SECONDS = 2;
const QUICK_CLIENTS = 100;
/** About what a share takes in the journal. */
const RECORD_BYTES = 80;

interface Pace {
  readonly name: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly rounds: number;
  readonly isQuick?: boolean;
}

async function open(pace: Pace, setting: Setting, room: Room): Promise<Opened> {
  const { name, perSecond } = pace;
  const seconds = setting.quick ? QUICK_SECONDS : SECONDS;
  const clients = setting.quick ? Math.min(pace.clients, QUICK_CLIENTS) : pace.clients;
  const each = Math.ceil((perSecond * seconds) / clients);
  const turns = async (login: Connecting): Promise<() => Promise<Values>> => {
    const mining = { bits: BITS, each, quick: setting.quick };
    const turn = await shareTurns(login, mining, room, (generator) => generator.pace({ perSecond }));
    return async () => {
      const { waits, cpuPercent } = await turn();
      return {
        [`${name}-p50`]: quantile(waits, 0.5),
        [`${name}-p99`]: quantile(waits, 0.99),
        [`${name}-generator`]: cpuPercent,
      };
    };
  };
  const answers = await turns((await startPool(BITS, setting.quick, room)).login(clients));
  const path = join(room.folder(), "records");
  const stop = new AbortController();
  room.onTidy(() => stop.abort());
  const ours = async (): Promise<Values> => {
    const values = await answers();
    const disk = await syncTimes(path, { perSecond, count: perSecond * seconds }, stop.signal);
    const [p50, p99] = [quantile(disk, 0.5), quantile(disk, 0.99)];
    return {
      ...values,
      [`${name}-disk-p50`]: p50,
      [`${name}-disk-p99`]: p99,
      [`${name}-over-disk-p50`]: (values[`${name}-p50`] ?? 0) - p50,
      [`${name}-over-disk-p99`]: (values[`${name}-p99`] ?? 0) - p99,
    };
  };
  const { pool: program } = setting.peers;
  if (program === undefined) return { ours, peer: undefined };
  const { port } = await startPeerPool(program, BITS, room);
  return { ours, peer: await turns(peerLogin(port, clients)) };
}

/** A record is written and synced as often as shares come, or as often as the disk can, on the disk that the pool writes to. Milliseconds each. */
async function syncTimes(
  path: string,
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  signal: AbortSignal,
): Promise<number[]> {
  const file = await openFile(path, "a");
  const record = Buffer.alloc(RECORD_BYTES, 7);
  const times: number[] = [];
  const startMs = performance.now();
  for (let n = 0; n < count && !signal.aborted; n++) {
    while (performance.now() < startMs + (n * 1000) / perSecond) await pause(1);
    const fromMs = performance.now();
    await file.write(record);
    await file.datasync();
    times.push(performance.now() - fromMs);
  }
  await file.close();
  return times;
}

const DISK =
  "the same percentile of a record written and synced by fdatasync, at the same pace, in the same round";

function answerBench(pace: Pace): Bench {
  const { name, clients, perSecond, rounds, isQuick } = pace;
  return {
    name,
    what: `the answer to one share, ${perSecond} a second over ${clients} connections, a table of ${BITS} bits`,
    rounds,
    ...(isQuick !== undefined && { isQuick }),
    rows: {
      [`${name}-p50`]: { unit: "ms", what: "from sending a share to its answer, the median", better: "less" },
      [`${name}-p99`]: { unit: "ms", what: "from sending a share to its answer, p99", better: "less" },
      [`${name}-disk-p50`]: { unit: "ms", what: DISK },
      [`${name}-disk-p99`]: { unit: "ms", what: DISK },
      [`${name}-over-disk-p50`]: { unit: "ms", what: `${name}-p50 less ${name}-disk-p50` },
      [`${name}-over-disk-p99`]: { unit: "ms", what: `${name}-p99 less ${name}-disk-p99` },
      [`${name}-generator`]: { unit: "% of a core", what: "the load generator's own CPU" },
    },
    open: (setting, room) => open(pace, setting, room),
  };
}

export const ANSWER_BENCHES: readonly Bench[] = [
  answerBench({ name: "answer", clients: 100, perSecond: 200, rounds: 5 }),
  answerBench({ name: "answer-5000", clients: 5_000, perSecond: 1_000, rounds: 3, isQuick: false }),
];
