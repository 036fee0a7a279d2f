/** 1,000 clients that ask and never read, beside 200 that mine: when the others hear of a new job. `node test/load/stuck-readers.ts` */

import { Worker } from "node:worker_threads";
import { figures, LoadClient, LoadServer, p99, pauseMs } from "../support/load/client.ts";

const HONEST = 200;
const STUCK = 1_000;
const JOBS = 20;
/** Answers that fill the buffers on the way. */
const QUESTIONS = 1_500;

/** Times from the change of the job to its notify, over some changes. */
async function notifyTimes(server: LoadServer, clients: readonly LoadClient[]): Promise<number[]> {
  const times: number[] = [];
  for (let job = 0; job < JOBS; job++) {
    const startMs = performance.now();
    const heard = clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          client.onNotify = () => {
            times.push(performance.now() - startMs);
            resolve();
          };
        }),
    );
    server.nextJob();
    await Promise.race([Promise.all(heard), pauseMs(10_000)]);
    await pauseMs(100);
  }
  return times;
}

const server = new LoadServer();
await server.start();
const honest = Array.from({ length: HONEST }, (_, n) => new LoadClient(server.port, `user${n},rig`));
await Promise.all(honest.map((client) => client.loggedIn));
const before = await notifyTimes(server, honest);
console.log(`notify without stuck readers: ${figures(before)}`);

// In a thread of their own, or the others would wait for its work.
const stuck = new Worker(new URL("stuck.ts", import.meta.url), {
  workerData: { port: server.port, clients: STUCK, questions: QUESTIONS },
});
await new Promise((resolve) => stuck.once("message", resolve));
const asking = await notifyTimes(server, honest);
console.log(`notify while ${STUCK} stuck readers ask ${QUESTIONS} times each: ${figures(asking)}`);
// Their questions are read and answered as far as anybody takes the answers.
for (let quiet = 0; quiet < 3; ) {
  const seen = server.reports.length;
  while (server.reports.length === seen) await pauseMs(50);
  quiet = (server.reports.at(-1)?.cpuPercent ?? 100) < 30 ? quiet + 1 : 0;
}
const during = await notifyTimes(server, honest);
const report = server.reports.at(-1);
console.log(`notify with ${STUCK} stuck readers: ${figures(during)}`);
console.log(
  `server: ${report?.connections} connections, ${report?.rssMb} MB, longest hold-up ${Math.max(...server.reports.map(({ lagMs }) => lagMs))} ms`,
);
const isWhole = during.length === HONEST * JOBS;
if (!isWhole) console.log(`PROBLEM: ${HONEST * JOBS - during.length} notifies did not come`);
console.log(`p99 ${p99(before).toFixed(1)} ms → ${p99(during).toFixed(1)} ms`);
await stuck.terminate();
await server.stop();
process.exit(isWhole ? 0 : 1);
