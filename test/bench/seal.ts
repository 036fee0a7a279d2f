/**
 * What a block takes over the Data API with AWS's limits, as the function on AWS does it: a summary with a share of every worker applied, then the
 * seal; seconds, calls, and CPU of the function and of PostgreSQL. `node test/bench/seal.ts [workers …]`, 30,000, 100,000 and 250,000 where not
 * given, each a user of its own. The Data API is a process beside it.
 */

import { join } from "node:path";
import type { SQSRecord } from "aws-lambda";
import { createAccountingHandler } from "../../functions/accounting/handler.ts";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import { systemClock } from "../../shared/clock.ts";
import { openDataApi } from "../../shared/db/drivers/data-api.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { addBlock, addEpoch, addJob, closeBody, deltaBody, text } from "../support/books.ts";
import { withDatabase } from "../support/load/database.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";
import { nextLine, Room } from "./room.ts";

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [30_000, 100_000, 250_000];
const REWARD = 900_000_000_000n;
/** Before the first that counts: what runs for the first time is compiled and planned meanwhile. */
const WARM_UP = 1_000;

/** As many as an edge puts into one message where a whole pool submits, and messages as SQS puts them into one event. */
const ROWS = 350;
const BATCH = 10;

/** Users and workers as they are known after a first block. */
async function addWorkers(db: Db, most: number): Promise<void> {
  await db.execute(sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, ${most}::int) n`);
  await db.execute(sql`INSERT INTO workers (user_name, worker, state)
    SELECT 'user' || n, 'rig', 'own' FROM generate_series(1, ${most}::int) n`);
  await addEpoch(db, { slot: 0, epoch: 1, firstJob: null });
}

/** A share of every worker, in events as they come from SQS. */
function* eventsOf(job: number, workers: number): Generator<{ bodies: string[]; lastSeq: number }> {
  let bodies: string[] = [];
  let seq = 0;
  for (let from = 1; from <= workers; from += ROWS) {
    const names = Array.from({ length: Math.min(ROWS, workers + 1 - from) }, (_, i) => `user${from + i}/rig`);
    bodies.push(deltaBody({ job, seq: seq++ }, Object.fromEntries(names.map((name) => [name, 1]))));
    if (bodies.length < BATCH && from + ROWS <= workers) continue;
    yield { bodies, lastSeq: seq - 1 };
    bodies = [];
  }
}

/** Over the Data API at `endpoint`; counts calls. */
function counting(endpoint: string, database: string): { db: Db; calls: () => number } {
  let calls = 0;
  const count = (db: Db): Db => ({
    ...db,
    query: (...args) => {
      calls++;
      return db.query(...args);
    },
    execute: (...args) => {
      calls++;
      return db.execute(...args);
    },
    transaction: (work) => {
      // Its begin and its end.
      calls += 2;
      return db.transaction((tx) => work(count(tx)));
    },
  });
  const options = {
    ...{ endpoint, database, region: "us-east-1", resourceArn: "arn:cluster", secretArn: "arn:secret" },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  return { db: count(openDataApi(options, { clock: systemClock })), calls: () => calls };
}

await withDatabase(async (pool, url) => {
  const room = new Room();
  const main = join(import.meta.dirname, "../../infra/emulator/data-api/main.ts");
  const server = room.spawn(process.execPath, [main, "--database", url, "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said: { url: string } = JSON.parse(await nextLine(server, "the Data API")());
  const seeding = openPg({ url, timeoutMs: 600_000 });
  const { db, calls } = counting(said.url, new URL(url).pathname.slice(1));
  const postgres = await serverPid(pool);
  const used = (): { calls: number; postgres: number; own: number; seconds: number } => {
    const { user, system } = process.cpuUsage();
    return {
      calls: calls(),
      postgres: cpuSecondsOf([postgres]),
      own: (user + system) / 1e6,
      seconds: performance.now() / 1000,
    };
  };
  const tell = (what: string, before: ReturnType<typeof used>): void => {
    const now = used();
    const cpu = `CPU of the function ${(now.own - before.own).toFixed(1)} s, of PostgreSQL ${(now.postgres - before.postgres).toFixed(1)} s`;
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    console.log(
      `  ${what}: ${(now.seconds - before.seconds).toFixed(1)} s, ${now.calls - before.calls} calls, ${cpu}; ${memory} MiB at most so far`,
    );
  };
  const modules = { db, clock: systemClock, logger: SILENT };
  const sealer = createSealer({ deadlineMs: 600_000 }, modules);
  const handler = createAccountingHandler({ ...modules, sealer });
  const apply = async (bodies: readonly string[]): Promise<void> => {
    const records = bodies.map((body, i) => ({ messageId: `${i}`, body }));
    // The handler reads nothing else of a record.
    const { batchItemFailures } = await handler({ Records: records as SQSRecord[] }, LOCAL_CONTEXT);
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} messages were refused`);
  };
  try {
    await addWorkers(seeding, Math.max(WARM_UP, ...sizes));
    let job = 1_000;
    for (const workers of [WARM_UP, ...sizes]) {
      await addJob(seeding, ++job);
      let lastSeq = 0;
      console.log(`${workers.toLocaleString("en")} workers`);
      const beforeApply = used();
      for (const event of eventsOf(job, workers)) {
        await apply(event.bodies);
        lastSeq = event.lastSeq;
      }
      tell("a share of each applied", beforeApply);
      await addBlock(seeding, job, REWARD);
      const beforeSeal = used();
      await apply([closeBody({ job }, lastSeq)]);
      tell("sealed", beforeSeal);
      const sealed = await text(
        seeding,
        sql`SELECT shares FROM jobs WHERE height = ${job}::int AND state = 'sealed'`,
      );
      if (sealed !== `${workers}`)
        throw new Error(`expected ${workers} shares in sealed books, got ${sealed ?? "no seal"}`);
      // As in a pool that has run for a while.
      await seeding.execute(sql`ANALYZE`);
    }
  } finally {
    await seeding.close();
    await room.tidy();
  }
});
