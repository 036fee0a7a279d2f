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
const CLIENTS = 100;
const PER_SECOND = 200;
const SECONDS = 10;
const QUICK_SECONDS = 2;
/** About what a share takes in the journal. */
const RECORD_BYTES = 80;

async function open(setting: Setting, room: Room): Promise<Opened> {
  const seconds = setting.quick ? QUICK_SECONDS : SECONDS;
  const each = Math.ceil((PER_SECOND * seconds) / CLIENTS);
  const turns = async (login: Connecting): Promise<() => Promise<Values>> => {
    const mining = { bits: BITS, each, quick: setting.quick };
    const turn = await shareTurns(login, mining, room, (generator) =>
      generator.pace({ perSecond: PER_SECOND }),
    );
    return async () => {
      const { waits, cpuPercent } = await turn();
      return {
        "answer-p50": quantile(waits, 0.5),
        "answer-p99": quantile(waits, 0.99),
        "answer-generator": cpuPercent,
      };
    };
  };
  const answers = await turns((await startPool(BITS, setting.quick, room)).login(CLIENTS));
  const path = join(room.folder(), "records");
  const stop = new AbortController();
  room.onTidy(() => stop.abort());
  const ours = async (): Promise<Values> => {
    const values = await answers();
    const disk = await syncTimes(path, PER_SECOND * seconds, stop.signal);
    const [p50, p99] = [quantile(disk, 0.5), quantile(disk, 0.99)];
    return {
      ...values,
      "answer-disk-p50": p50,
      "answer-disk-p99": p99,
      "answer-over-disk-p50": (values["answer-p50"] ?? 0) - p50,
      "answer-over-disk-p99": (values["answer-p99"] ?? 0) - p99,
    };
  };
  const { pool: program } = setting.peers;
  if (program === undefined) return { ours, peer: undefined };
  const { port } = await startPeerPool(program, BITS, room);
  return { ours, peer: await turns(peerLogin(port, CLIENTS)) };
}

/** A record is written and synced as often as shares come, on the disk that the pool writes to. Milliseconds each. */
async function syncTimes(path: string, count: number, signal: AbortSignal): Promise<number[]> {
  const file = await openFile(path, "a");
  const record = Buffer.alloc(RECORD_BYTES, 7);
  const times: number[] = [];
  const startMs = performance.now();
  for (let n = 0; n < count && !signal.aborted; n++) {
    while (performance.now() < startMs + (n * 1000) / PER_SECOND) await pause(1);
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

export const ANSWER: Bench = {
  name: "answer",
  what: `the answer to one share, ${PER_SECOND} a second over ${CLIENTS} connections, a table of ${BITS} bits`,
  rounds: 5,
  rows: {
    "answer-p50": { unit: "ms", what: "from sending a share to its answer, the median", better: "less" },
    "answer-p99": { unit: "ms", what: "from sending a share to its answer, p99", better: "less" },
    "answer-disk-p50": { unit: "ms", what: DISK },
    "answer-disk-p99": { unit: "ms", what: DISK },
    "answer-over-disk-p50": { unit: "ms", what: "answer-p50 less answer-disk-p50" },
    "answer-over-disk-p99": { unit: "ms", what: "answer-p99 less answer-disk-p99" },
    "answer-generator": { unit: "% of a core", what: "the load generator's own CPU" },
  },
  open,
};
