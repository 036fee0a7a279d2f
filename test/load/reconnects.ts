/** 10,000 connections of 200 users come back within 10 s after the edge was killed: how many are served, and when. `node test/load/reconnects.ts` */

import { parseArgs } from "node:util";
import { figures, LoadClient, LoadServer, pauseMs } from "../support/load/client.ts";

const { values } = parseArgs({
  options: { connections: { type: "string", default: "10000" }, seconds: { type: "string", default: "10" } },
});
const CONNECTIONS = Number(values.connections);
const WITHIN_MS = Number(values.seconds) * 1000;
const USERS = 200;
const TIMEOUT_MS = 10_000;

/** Milliseconds to the login's answer; undefined: none in time. */
async function logIn(port: number, n: number, clients: LoadClient[]): Promise<number | undefined> {
  const startMs = performance.now();
  const client = new LoadClient(port, `user${n % USERS},rig${n}`);
  clients.push(client);
  const isIn = await Promise.race([client.loggedIn, pauseMs(TIMEOUT_MS).then(() => false)]);
  return isIn ? performance.now() - startMs : undefined;
}

async function storm(server: LoadServer, title: string): Promise<number> {
  const clients: LoadClient[] = [];
  const logins: Promise<number | undefined>[] = [];
  const startMs = performance.now();
  for (let n = 0; n < CONNECTIONS; n++) {
    const dueMs = startMs + (n / CONNECTIONS) * WITHIN_MS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await pauseMs(waitMs);
    logins.push(logIn(server.port, n, clients));
  }
  const times = await Promise.all(logins);
  const served = times.filter((ms) => ms !== undefined);
  const report = server.reports.at(-1);
  console.log(
    `${title}: ${served.length} of ${CONNECTIONS} served, ${CONNECTIONS - served.length} time-outs, in ${((performance.now() - startMs) / 1000).toFixed(1)} s; ` +
      `login ${figures(served)}; server ${report?.connections} connections, ${report?.rssMb} MB`,
  );
  for (const client of clients) client.end();
  return CONNECTIONS - served.length;
}

const server = new LoadServer();
await server.start();
await storm(server, "first connections");
await server.kill();
await server.start();
const timeouts = await storm(server, "reconnects after a kill");
await server.stop();
process.exit(timeouts === 0 ? 0 : 1);
