/**
 * What the hourly check of the books takes after so many sealed blocks: seconds and calls over the Data API, for six new blocks and the second
 * looks; beside it, over `pg`, the first proof of them all and the audit of everything. `node test/bench/prove.ts [--users N] [blocks …]`, 600 and
 * 60,000 blocks of 10 users where not given.
 */

import { parseArgs } from "node:util";
import { startDataApiServer } from "../../infra/emulator/data-api/server.ts";
import { auditBooks } from "../../shared/audit/audit.ts";
import { proveBooks } from "../../shared/audit/prove.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { openDataApi } from "../../shared/db/drivers/data-api.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { withDatabase } from "../support/load/database.ts";
import { insertSealedBlocks } from "../support/sealed-blocks.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { users: { type: "string", default: "10" } },
});
const given = positionals.map(Number);
const sizes = given.length > 0 ? given : [600, 60_000];
const USERS = Number(values.users);
const NEW_BLOCKS = 6;
const going = new AbortController().signal;

let calls = 0;
function counted(db: Db): Db {
  return {
    ...db,
    query(...args) {
      calls++;
      return db.query(...args);
    },
    execute(...args) {
      calls++;
      return db.execute(...args);
    },
  };
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  calls = 0;
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  console.log(`  ${what}: ${seconds.toFixed(2)} s${calls > 0 ? `, ${calls} calls` : ""}`);
}

await withDatabase(async (pool, url) => {
  const server = await startDataApiServer(
    { databaseUrl: url },
    { clock: systemClock, random: systemRandom, logger: SILENT },
  );
  const api = openDataApi(
    {
      ...{ endpoint: server.url, database: new URL(url).pathname.slice(1), region: "us-east-1" },
      ...{ resourceArn: "arn:cluster", secretArn: "arn:secret" },
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    },
    { clock: systemClock },
  );
  const db = counted(api);
  const check = async (on: Db = db): Promise<void> => {
    const { problems, isComplete } = await proveBooks(on, going);
    if (problems.length > 0 || !isComplete) throw new Error(`not proved: ${problems.join("; ")}`);
  };
  let height = 1_000;
  const seal = async (blocks: number): Promise<void> => {
    await insertSealedBlocks(pool, { from: height, blocks, users: USERS });
    height += blocks;
  };
  for (const blocks of sizes) {
    await seal(blocks - (height - 1_000));
    await pool.execute(sql`ANALYZE`);
    console.log(`${height - 1_000} sealed blocks of ${USERS} users`);
    await measure("everything that was not proved yet, over pg", () => check(pool));
    await seal(NEW_BLOCKS);
    await measure(`the hourly check, ${NEW_BLOCKS} new blocks`, check);
    await measure("the hourly check again, nothing new", check);
    await measure("the audit of everything, over pg", () => auditBooks(pool));
  }
  await api.close();
  await server.close();
});
