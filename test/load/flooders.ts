/** 50 clients that send false shares as fast as they can, beside 50 honest ones: how soon the honest are answered. `node test/load/flooders.ts [--bits N] [--seconds N]` */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { figures, findShare, LoadClient, LoadServer, p99, pauseMs } from "../support/load/client.ts";
import { loadHasher, SMALL_BITS } from "../support/load/table.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "15" }, bits: { type: "string", default: `${SMALL_BITS}` } },
});
const BITS = Number(values.bits);
const SECONDS = Number(values.seconds);
const HONEST = 50;
const FLOODERS = 50;
const SHARE_EVERY_MS = 500;

/** Answer times of honest shares for some seconds. */
async function mineHonestly(
  clients: readonly LoadClient[],
  from: Map<LoadClient, number>,
): Promise<{ times: number[]; refused: number }> {
  const times: number[] = [];
  let refused = 0;
  const endMs = performance.now() + SECONDS * 1000;
  await Promise.all(
    clients.map(async (client, n) => {
      await pauseMs((n / clients.length) * SHARE_EVERY_MS);
      while (performance.now() < endMs) {
        const { params, next } = await findShare(client, from.get(client) ?? 0, hasher);
        from.set(client, next);
        const startMs = performance.now();
        const answer = await client.request("mining.submit", [`user${n}`, ...params]);
        times.push(performance.now() - startMs);
        if (!answer.includes('"result":true')) refused += 1;
        await pauseMs(SHARE_EVERY_MS);
      }
    }),
  );
  return { times, refused };
}

const hasher = await loadHasher(BITS);
const server = new LoadServer(BITS);
await server.start();
const honest = Array.from({ length: HONEST }, (_, n) => new LoadClient(server.port, `user${n},rig`));
await Promise.all(honest.map((client) => client.loggedIn));
const counters = new Map<LoadClient, number>();
const before = await mineHonestly(honest, counters);
console.log(`honest shares alone: ${figures(before.times)}, ${before.refused} refused`);
// In a thread of their own, or the honest would wait for the flooders' own work.
const flooding = new Worker(new URL("flood.ts", import.meta.url), {
  workerData: { port: server.port, flooders: FLOODERS },
});
await pauseMs(2_000);
const during = await mineHonestly(honest, counters);
flooding.postMessage("stop");
const [{ floods, connections }] = await once(flooding, "message");
const report = server.reports.at(-1);
console.log(`honest shares beside ${FLOODERS} flooders: ${figures(during.times)}, ${during.refused} refused`);
console.log(
  `flood: ${floods} false shares over ${connections} connections; server ${report?.rssMb} MB, longest hold-up ${Math.max(...server.reports.map(({ lagMs }) => lagMs))} ms`,
);
await flooding.terminate();
await server.stop();
await hasher.close();
const limitMs = 100;
console.log(
  `p99 ${p99(before.times).toFixed(1)} ms → ${p99(during.times).toFixed(1)} ms (limit ${limitMs} ms)`,
);
process.exit(p99(during.times) < limitMs ? 0 : 1);
