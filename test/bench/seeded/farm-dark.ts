/** Every rig of the pool falls silent at once and comes back: what judging them and telling their owners takes, in CPU time of both processes. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createChannels } from "../../../functions/alerts/channels/channels.ts";
import { createAlertsHandler } from "../../../functions/alerts/handler.ts";
import { watchWorkers } from "../../../functions/janitor/worker-watch.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { CHANNELS } from "../../support/alerts.ts";
import { BLOCK_SECONDS } from "../../support/load/large-seeding.ts";
import type { BooksUnderTest } from "../books.ts";

export interface DarkTimes {
  /** Seconds of CPU, of this process and of PostgreSQL together. */
  readonly look: number;
  readonly dark: number;
  readonly told: number;
  readonly back: number;
  /** Rigs whose state changed when all fell silent, and messages that arrived. */
  readonly changed: number;
  readonly messages: number;
}

/** The books are as before when it resolves. */
export async function farmDark(books: BooksUnderTest, nowMs: () => number): Promise<DarkTimes> {
  const { db } = books;
  let messages = 0;
  const server = createServer((request, response) => {
    messages++;
    request.resume();
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  const clock: Clock = { ...systemClock, wallMs: nowMs };
  const cpu = async (work: () => Promise<unknown>): Promise<number> => {
    const before = process.cpuUsage();
    const serverBefore = books.cpuSeconds();
    await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 + books.cpuSeconds() - serverBefore;
  };
  const look = (): Promise<number> => watchWorkers(db, clock, BLOCK_SECONDS * 1000);
  const deliver = createAlertsHandler(
    { poolName: "Pool", runMs: 60_000 },
    { db, clock, logger: SILENT, channels: createChannels(CHANNELS) },
  );
  await prepare(db, nowMs(), `http://127.0.0.1:${port}/hook`);
  await look();
  const times = { look: await cpu(look), dark: 0, told: 0, back: 0 };
  let changed = 0;
  await db.execute(
    sql`UPDATE worker_status SET last_at = last_at - interval '1 hour', pace_at = pace_at - interval '1 hour'`,
  );
  times.dark = await cpu(async () => {
    changed = await look();
  });
  times.told = await cpu(() => deliver({}, LOCAL_CONTEXT));
  await db.execute(
    sql`UPDATE worker_status SET last_at = to_timestamp(${nowMs()}::float8 / 1000), pace_at = to_timestamp(${nowMs()}::float8 / 1000)`,
  );
  times.back = await cpu(look);
  await restore(db);
  await new Promise((resolve) => server.close(resolve));
  return { ...times, changed, messages };
}

async function prepare(db: Db, nowMs: number, hook: string): Promise<void> {
  const now = sql`to_timestamp(${nowMs}::float8 / 1000)`;
  await db.execute(sql`CREATE TABLE kept_status AS SELECT * FROM worker_status`);
  await db.execute(sql`CREATE TABLE kept_changes AS SELECT * FROM worker_changes`);
  await db.execute(
    sql`UPDATE alert_destinations SET target = ${hook}, claimed_until = 'epoch', wait_until = 'epoch'`,
  );
  await db.execute(
    sql`UPDATE worker_watch SET judged_at = ${now} - interval '50 seconds', since = ${now} - interval '10 days'`,
  );
  // Since they were seeded, they worked on.
  await db.execute(sql`UPDATE worker_status SET last_at = ${now}, pace_at = ${now} WHERE state <> 'offline'`);
}

async function restore(db: Db): Promise<void> {
  await db.execute(sql`TRUNCATE worker_status, alerts, worker_changes`);
  await db.execute(sql`INSERT INTO worker_status SELECT * FROM kept_status`);
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(sql`INSERT INTO worker_changes SELECT * FROM kept_changes`);
  });
  await db.execute(sql`DROP TABLE kept_status, kept_changes`);
  await db.execute(sql`VACUUM ANALYZE worker_status, alerts, worker_changes, alert_destinations`);
}
