/** 2,000 web connections of one address that say nothing, opened again when they are closed: how soon others, and that address itself, are served. `npm run test:load -- silent-visitors` */

import { once } from "node:events";
import { request } from "node:http";
import { Worker } from "node:worker_threads";
import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { type HttpReply, textReply } from "../../functions/http.ts";
import { startWeb } from "../../infra/pool/web.ts";
import { SILENT } from "../../shared/logger.ts";
import { figures, p99, pauseMs } from "../support/load/client.ts";

const CONNECTIONS = 2_000;
const PER_SECOND = 500;
const ASKED = 100;
const ATTACKER = "127.0.0.2";
const OTHER = "127.0.0.3";
const LIMIT_MS = 500;

const handler = middy<APIGatewayProxyEventV2, HttpReply>(async () => textReply(200, "ok"));
const web = await startWeb({ host: "127.0.0.1", port: 0 }, { handler, logger: SILENT });

/** Milliseconds to the answer; undefined: none. */
function ask(localAddress: string): Promise<number | undefined> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const sent = request(
      { host: "127.0.0.1", port: web.port, localAddress, agent: false, timeout: 5_000 },
      (reply) => {
        reply.resume();
        reply.on("end", () => resolve(performance.now() - startMs));
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(undefined));
    sent.end();
  });
}

async function askOften(from: string): Promise<{ times: number[]; missed: number }> {
  const answers: (number | undefined)[] = [];
  for (let n = 0; n < ASKED; n++) {
    answers.push(await ask(from));
    await pauseMs(10);
  }
  const times = answers.filter((ms) => ms !== undefined);
  return { times, missed: ASKED - times.length };
}

// In a thread of their own, or the others would wait for its work.
const silent = new Worker(new URL("silent.ts", import.meta.url), {
  workerData: { port: web.port, from: ATTACKER, connections: CONNECTIONS, perSecond: PER_SECOND },
});
await once(silent, "message");
const other = await askOften(OTHER);
const same = await askOften(ATTACKER);
silent.removeAllListeners("message");
silent.postMessage("stop");
let told: unknown;
while (typeof told !== "number") [told] = await once(silent, "message");
await silent.terminate();
await web.stop();
console.log(`${told} silent connections of one address, ${PER_SECOND} a second`);
console.log(`another address: ${figures(other.times)}, ${other.missed} not served`);
console.log(`the same address: ${figures(same.times)}, ${same.missed} not served`);
process.exit(other.missed + same.missed === 0 && p99(other.times) < LIMIT_MS ? 0 : 1);
