/** The share journal alone: how many shares a second it makes durable, and how long each waits. */

import { join } from "node:path";
import { Journal } from "../../../edge/journal/journal.ts";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { readJournal } from "../../../edge/journal/read-journal.ts";
import { encodeRecord } from "../../../edge/journal/records.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { quantile } from "../figures.ts";
import type { Room } from "../room.ts";

const SHARES = 50_000;
const QUICK_SHARES = 2_000;
const IN_FLIGHT = 512;
const DISK = { disk: nodeDisk, logger: SILENT };
const READER = { start: () => undefined, record: () => undefined };

async function open({ quick }: Setting, room: Room): Promise<Opened> {
  const parent = room.folder();
  let round = 0;
  const ours = (): Promise<Values> => {
    const stop = new AbortController();
    const filling = fill(join(parent, `${round++}`), quick ? QUICK_SHARES : SHARES, stop.signal);
    // The journal must be closed before its folder goes.
    room.onTidy(async () => {
      stop.abort();
      await filling.catch(() => undefined);
    });
    return filling;
  };
  return { ours, peer: undefined };
}

async function fill(folder: string, shares: number, signal: AbortSignal): Promise<Values> {
  const journal = new Journal({ folder }, await readJournal(folder, READER, DISK), {
    ...DISK,
    clock: systemClock,
    random: systemRandom,
    state: () => "",
    onFailure: (error) => {
      throw error;
    },
  });
  const waits: number[] = [];
  let next = 0;
  const miner = async (): Promise<void> => {
    while (next < shares && !signal.aborted) {
      const share = { ...SHARE, nonce: nonceOf(next++), atMs: Date.now() };
      const startMs = performance.now();
      await journal.append(encodeRecord({ kind: "share", share }));
      waits.push(performance.now() - startMs);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, miner));
  const seconds = (performance.now() - startMs) / 1000;
  await journal.close();
  return { journal: waits.length / seconds, "journal-p99": quantile(waits, 0.99) };
}

const SHARE = {
  job: 1000,
  user: "alice",
  worker: "rig",
  assigned: 1n,
  reached: 2n,
  late: false,
  waitedMs: 1,
};

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(9);
  new DataView(nonce.buffer).setUint32(5, counter);
  return nonce;
}

export const JOURNAL: Bench = {
  name: "journal",
  what: `the share journal by itself, ${IN_FLIGHT} shares in flight`,
  rounds: 5,
  rows: {
    journal: { unit: "shares/s", what: "shares that are on disk", better: "more" },
    "journal-p99": { unit: "ms", what: "until a share is on disk, p99", better: "less" },
  },
  open,
};
