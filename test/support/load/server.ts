/** The edge under load, in a process of its own: real listener, stratum server, share desk, journal and hashes; books in memory. A line on standard input begins the next job. */

import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import { listenStratum } from "../../../edge/stratum/listener.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import { sleep, systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { memoryBooks } from "../memory-books.ts";
import { oprHashOf } from "../share-desk.ts";
import { loadHasher } from "./table.ts";

interface ServerOptions {
  readonly folder: string;
  readonly port: number;
  readonly bits: number;
}

const { folder, port, bits } = JSON.parse(process.argv[2] ?? "{}") as ServerOptions;
process.stdin.on("close", () => process.exit(0));
mkdirSync(folder, { recursive: true });
const clock = systemClock;
const books = memoryBooks(() => clock.monotonicMs());
const desk = new ShareDesk(
  { folder, edgeId: "load", blockMs: 600_000, cutEveryMs: 1_000 },
  {
    ...{
      disk: nodeDisk,
      records: books,
      queue: books,
      hasher: await loadHasher(bits),
      clock,
      random: systemRandom,
      logger: SILENT,
    },
    onAccepted: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  },
);
let height = 1000;
let oprHash = oprHashOf(height);
const server = new StratumServer(
  {
    blockPeriodMs: 600_000,
    firstTarget: 0xf000_0000_0000_0000n,
    sharesPerBlock: 100_000,
    // One user at one address sends what a whole pool does.
    ...{ linesPerSecond: 1_000_000, lineBurst: 1_000_000, userSharesPerSecond: 1_000_000 },
  },
  {
    backend: {
      currentJob: () => {
        const freshFrom = desk.freshFrom();
        return freshFrom === undefined ? undefined : { height, oprHash, threshold: 0n, freshFrom };
      },
      oprHashOf: (at) => (at === height ? oprHashOf(at) : undefined),
      // As fast as a row read from a database nearby.
      authorize: () => sleep(clock, 2).then(() => ({ kind: "ok", registered: false }) as const),
      grantPrefix: (request) => desk.grantPrefix(request),
      claimPrefix: (prefix, holder) => desk.claimPrefix(prefix, holder),
      releasePrefix: (prefix) => desk.releasePrefix(prefix),
      measuredPrefix: (prefix, measured) => desk.measuredPrefix(prefix, measured),
      lastTarget: (holder, where) => desk.lastTarget(holder, where),
      prefixesAreScarce: () => desk.prefixesAreScarce(),
      submit: (share) => desk.submit(share),
    },
    ...{ clock, random: systemRandom, logger: SILENT, metrics: NO_METRICS },
  },
);

async function openJob(): Promise<void> {
  books.addJob(height);
  await desk.openJob({ height, oprHash, credit: "assigned" });
  server.jobChanged();
}

await desk.recover(new AbortController().signal);
await openJob();
const listening = await listenStratum({ host: "127.0.0.1", port }, server);
createInterface({ input: process.stdin }).on("line", () => {
  height += 1;
  oprHash = oprHashOf(height);
  void openJob();
});
/** How long the event loop was held up since the last report. */
let lagMs = 0;
let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  lagMs = Math.max(lagMs, nowMs - lastMs - 20);
  lastMs = nowMs;
}, 20);
let lastCpu = process.cpuUsage();
setInterval(() => {
  const cpu = process.cpuUsage(lastCpu);
  lastCpu = process.cpuUsage();
  const cpuPercent = Math.round((cpu.user + cpu.system) / 10_000);
  const { connections } = server.stats();
  const rssMb = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(JSON.stringify({ connections, rssMb, lagMs: Math.round(lagMs), cpuPercent }));
  lagMs = 0;
}, 1_000);
console.log(JSON.stringify({ ready: true, port: listening.port }));
