/** The pool of a run: a database, a devnet, a queue, functions, edges and miners, each a process of its own. */

import { join } from "node:path";
import { insertUser } from "../../../shared/db/accounts.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { migrate } from "../../../shared/db/migrate.ts";
import type { Database } from "./database.ts";
import type { Findings } from "./findings.ts";
import { type PartOptions, REPLAYER, USERS } from "./options.ts";
import { Part } from "./part.ts";

/** Of the hash table. */
export const BITS = 10;
const EDGES = 3;

export interface Pool {
  readonly database: Database;
  readonly edges: readonly Part[];
  readonly queue: Part;
  readonly functions: Part;
  readonly devnet: Part;
  readonly miners: Part;
  readonly ports: readonly number[];
}

export type PoolOptions = Pick<PartOptions, "folder" | "seed" | "miners" | "blockMs" | "shareEveryMs">;

/** Starts all but the miners. `started`: gets each part as soon as it is made, so that it can be stopped whatever comes. */
export async function startPool(
  options: PoolOptions,
  { database, started, findings }: { database: Database; started: Part[]; findings: Findings },
): Promise<Pool> {
  await database.start();
  const part = (...args: ConstructorParameters<typeof Part>): Part => {
    const made = new Part(...args);
    started.push(made);
    return made;
  };
  await openAccounts(database.url);
  const base: PartOptions = {
    ...{ ...options, databaseUrl: database.url, bits: BITS, port: 0, edgePorts: [] },
    ...{ factomd: "", feed: "", queue: "" },
  };
  const devnet = part("devnet", "devnet", base);
  const net = await begin(devnet);
  const queue = part("queue", "queue", base);
  const queueReady = await begin(queue);
  const all = {
    ...base,
    factomd: String(net["factomd"]),
    feed: String(net["feed"]),
    queue: `http://127.0.0.1:${queueReady["port"]}`,
  };
  const functions = part("functions", "functions", all, (message) => {
    if (message["rejected"] !== undefined) findings.rejected.push(String(message["rejected"]));
    if (message["forced"] !== undefined) findings.forced.push(Number(message["forced"]));
  });
  await functions.start();
  const edges = Array.from({ length: EDGES }, (_, n) => {
    const name = `edge-${n + 1}`;
    return part(name, "edge", { ...all, folder: join(options.folder, name) }, (message) => {
      // A fenced or failed edge ends by itself and is started again like one that was killed.
      if (message["fatal"] !== undefined) findings.problems.push(`${name} gave up: ${message["fatal"]}`);
    });
  });
  const ready = await Promise.all(edges.map(begin));
  const ports = ready.map((message) => Number(message["port"]));
  const miners = part("miners", "miners", { ...all, edgePorts: ports }, (message) => {
    findings.minersTell = message;
  });
  return { database, edges, queue, functions, devnet, miners, ports };
}

async function openAccounts(url: string): Promise<void> {
  const db = openPg({ url });
  await migrate(db);
  for (const name of [...USERS, REPLAYER])
    await insertUser(db, { name, password: null, payoutAddress: null });
  await db.close();
}

/** The first start of a part: nobody kills it yet. */
async function begin(part: Part): Promise<Record<string, unknown>> {
  const started = await part.start();
  if (started === undefined) throw new Error(`${part.name} did not start`);
  return started.message;
}
