/** How many shares a second the journal makes durable, and how long each waits: `node test/bench/journal.ts [shares] [in flight]`. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal } from "../../edge/journal/journal.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { readJournal } from "../../edge/journal/read-journal.ts";
import { encodeRecord } from "../../edge/journal/records.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { SILENT } from "../../shared/logger.ts";

const shares = Number(process.argv[2] ?? 20_000);
const inFlight = Number(process.argv[3] ?? 512);
const folder = mkdtempSync(join(tmpdir(), "prosper-bench-"));
const disk = { disk: nodeDisk, logger: SILENT };
let read = 0;
const reader = {
  start: () => undefined,
  record: () => {
    read += 1;
  },
};

const journal = new Journal({ folder }, await readJournal(folder, reader, disk), {
  ...disk,
  clock: systemClock,
  random: systemRandom,
  state: () => "",
  onFailure: (error) => {
    throw error;
  },
});
const waits: number[] = [];
let next = 0;

async function miner(): Promise<void> {
  for (; next < shares; ) {
    const nonce = new Uint8Array(9);
    new DataView(nonce.buffer).setUint32(5, next++);
    const share = {
      job: 1000,
      user: "alice",
      worker: "rig",
      nonce,
      assigned: 1n,
      reached: 2n,
      atMs: Date.now(),
      late: false,
    };
    const begin = performance.now();
    await journal.append(encodeRecord({ kind: "share", share }));
    waits.push(performance.now() - begin);
  }
}

const begin = performance.now();
await Promise.all(Array.from({ length: inFlight }, miner));
const seconds = (performance.now() - begin) / 1000;
const bytes = journal.bytes();
await journal.close();
const replayBegin = performance.now();
await readJournal(folder, reader, disk);
const replaySeconds = (performance.now() - replayBegin) / 1000;
rmSync(folder, { recursive: true });
waits.sort((a, b) => a - b);
const at = (part: number): string => (waits[Math.floor(waits.length * part)] ?? 0).toFixed(1);
console.log(
  `${shares} shares, ${inFlight} in flight: ${Math.round(shares / seconds)} durable shares/s, wait p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ` +
    `${read} read back in ${replaySeconds.toFixed(2)} s (${(bytes / shares).toFixed(0)} bytes each)`,
);
