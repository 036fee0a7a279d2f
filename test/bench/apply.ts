/**
 * Messages that the books apply in a second, from the queue in this process into a PostgreSQL of their own, and what each costs it in CPU.
 * `node test/bench/apply.ts [messages] [workers]`, 6,000 messages of 12 rows over 1,000 workers where not given.
 */

import { createAccountingHandler } from "../../functions/accounting/handler.ts";
import { createLocalQueue } from "../../infra/pool/in-process-queue.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { confirmWorkers } from "../../shared/db/workers.ts";
import { SILENT } from "../../shared/logger.ts";
import { addJob, addUsers, deltaBody, text } from "../support/books.ts";
import { withDatabase } from "../support/load/database.ts";
import { Chance } from "../support/random.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";

const ROWS = 12;
const WORKERS_PER_USER = 4;
const MESSAGES = Number(process.argv[2] ?? 6000);
const WORKERS = Number(process.argv[3] ?? 1000);
/** Users that have no share: the check for unknown users must not read them. */
const IDLE_USERS = 10_000;

const nameOf = (worker: number): string => `user${Math.floor(worker / WORKERS_PER_USER)}/rig${worker}`;

async function prepare(db: Db): Promise<void> {
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'idle' || n FROM generate_series(1, ${IDLE_USERS}::int) n`,
  );
  await addUsers(db, ...Array.from({ length: Math.ceil(WORKERS / WORKERS_PER_USER) }, (_, i) => `user${i}`));
  for (let i = 0; i < WORKERS; i += WORKERS_PER_USER) {
    const rigs = Array.from({ length: WORKERS_PER_USER }, (_, n) => `rig${i + n}`);
    await confirmWorkers(db, `user${i / WORKERS_PER_USER}`, rigs);
  }
  await db.execute(sql`ANALYZE`);
}

await withDatabase(async (db) => {
  await prepare(db);
  const pid = await serverPid(db);
  const chance = new Chance(7);
  for (let round = 0; round < 3; round++) {
    await addJob(db, 100 + round);
    const bodies = Array.from({ length: MESSAGES }, (_, seq) => {
      const rows: Record<string, number> = {};
      while (Object.keys(rows).length < Math.min(ROWS, WORKERS))
        rows[nameOf(chance.whole(0, WORKERS - 1))] = 1 + (seq % 3);
      return deltaBody({ job: 100 + round, seq }, rows);
    });
    const handler = createAccountingHandler({ db, logger: SILENT, sealer: { run: async () => [] } });
    const queue = createLocalQueue(
      { capacity: MESSAGES, capacityBytes: 1e9 },
      { handler, clock: systemClock, random: systemRandom, logger: SILENT },
    );
    const [began, cpu, own] = [performance.now(), cpuSecondsOf([pid]), process.cpuUsage()];
    for (const body of bodies) await queue.send(body);
    const left = await queue.stop(300_000);
    const seconds = (performance.now() - began) / 1000;
    const server = cpuSecondsOf([pid]) - cpu;
    const { user, system } = process.cpuUsage(own);
    const applied = await text(db, sql`SELECT count(*) FROM deltas WHERE job = ${100 + round}`);
    console.log(
      `${applied} messages of ${ROWS} rows, ${WORKERS} workers: ${(MESSAGES / seconds).toFixed(0)}/s; PostgreSQL ${((server / MESSAGES) * 1e3).toFixed(3)} ms, ` +
        `this process ${((user + system) / MESSAGES / 1e3).toFixed(3)} ms of CPU a message${left > 0 ? `; ${left} left` : ""}`,
    );
  }
});
