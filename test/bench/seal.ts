/**
 * Seconds from a job that is over to its seal, and what that costs PostgreSQL and this process in CPU, for jobs of more and more workers, one
 * a user. `node test/bench/seal.ts [workers …]`, 1,000, 10,000 and 100,000 where not given.
 */

import { createSealer } from "../../functions/accounting/sealer.ts";
import { systemClock } from "../../shared/clock.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { addBlock, addJob } from "../support/books.ts";
import { withDatabase } from "../support/load/database.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [1000, 10_000, 100_000];
const ROUNDS = 3;

async function prepare(db: Db, height: number, workers: number): Promise<void> {
  await addJob(db, height);
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, ${workers}::int) n ON CONFLICT DO NOTHING`,
  );
  await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
    SELECT ${height}::int, 'user' || n, 'rig', 60, 60 * 65536 + n, 1 FROM generate_series(1, ${workers}::int) n`);
  await addBlock(db, height, 900_000_000_000n);
}

await withDatabase(async (db) => {
  const pid = await serverPid(db);
  let height = 100;
  for (const workers of sizes) {
    const seconds: number[] = [];
    const [server, own] = [cpuSecondsOf([pid]), process.cpuUsage()];
    let spent = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = cpuSecondsOf([pid]);
      await prepare(db, height++, workers);
      spent += cpuSecondsOf([pid]) - before;
      const began = performance.now();
      const sealed = await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
      if (sealed.length !== 1) throw new Error(`${sealed.length} jobs were sealed, expected 1`);
      seconds.push((performance.now() - began) / 1000);
    }
    const { user, system } = process.cpuUsage(own);
    const cpu = (cpuSecondsOf([pid]) - server - spent) / ROUNDS;
    console.log(
      `${workers} workers: ${seconds.map((value) => value.toFixed(2)).join(", ")} s; PostgreSQL ${cpu.toFixed(2)} s, this process ${((user + system) / ROUNDS / 1e6).toFixed(2)} s of CPU`,
    );
  }
});
