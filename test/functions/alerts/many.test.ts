import { afterAll, beforeAll, expect, it } from "vitest";
import type { Channel } from "../../../functions/alerts/channels/channel.ts";
import { createAlertsHandler } from "../../../functions/alerts/handler.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import type { Db } from "../../../shared/db/port.ts";
import { sql } from "../../../shared/db/port.ts";
import { judgeWorkers } from "../../../shared/db/worker-states.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";

/** One user has as many as a large farm; the others ten each. */
const [RIGS, FARM, EACH] = [10_000, 2_840, 10];
const USERS = 1 + (RIGS - FARM) / EACH;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function counting(db: Db): { db: Db; statements: () => number } {
  let statements = 0;
  return {
    statements: () => statements,
    db: {
      ...db,
      query: (statement, row) => {
        statements++;
        return db.query(statement, row);
      },
      execute: (statement, options) => {
        statements++;
        return db.execute(statement, options);
      },
    },
  };
}

it("ten thousand rigs that stop at once are judged by one statement, and told by two and a sixteenth for each destination", async () => {
  const clock = manualClock();
  const now = sql`to_timestamp(${clock.wallMs()}::float8 / 1000)`;
  const user = sql`'user' || CASE WHEN n < ${FARM}::int THEN 0 ELSE 1 + (n - ${FARM}::int) / ${EACH}::int END`;
  await database.db.execute(
    sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, ${USERS - 1}::int) n`,
  );
  await database.db.execute(sql`INSERT INTO alert_destinations (user_name, kind, target, events)
    SELECT name, 'webhook', 'https://example.com', '{offline,low,recovered}' FROM users`);
  await database.db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since, usual_rate, usual_shares)
    SELECT ${user}, 'rig' || n, ${now} - interval '9 days', ${now} - interval '10 minutes', 1, 0, ${now}, 1, 1, ${now} - interval '9 days', ${now} - interval '9 days', 6500, 0.1
    FROM generate_series(0, ${RIGS - 1}::int) n`);
  await database.db.execute(
    sql`UPDATE worker_watch SET judged_at = ${now} - interval '1 minute', since = ${now} - interval '1 day'`,
  );
  await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
    VALUES (1, 5, 'x', '', '{}', 0, 0.05, 'largest-remainder', 'assigned', ${now})`);
  // As it is in a pool that has run for a while.
  await database.db.execute(sql`ANALYZE worker_status, users`);
  const counted = counting(database.db);
  const beganMs = performance.now();

  expect(await judgeWorkers(counted.db, clock.wallMs(), 1e9)).toBe(RIGS);
  expect(counted.statements()).toBe(1);

  const told: number[] = [];
  const channel: Channel = async ({ due }) => {
    told.push(due[0]?.count ?? 0);
    return { kind: "delivered" };
  };
  const channels = { email: channel, webhook: channel, ntfy: channel, discord: channel, telegram: channel };
  const handler = createAlertsHandler(
    { poolName: "Pool", runMs: 60_000 },
    { db: counted.db, clock, logger: SILENT, channels },
  );
  expect(await handler({}, LOCAL_CONTEXT)).toEqual({ delivered: USERS, failed: 0 });
  // Of the whole: a claim for sixteen destinations, one to take and one to mark for each.
  expect(counted.statements()).toBeLessThan(2.2 * USERS);
  expect(told.reduce((a, b) => a + b, 0)).toBe(RIGS);
  expect(Math.max(...told)).toBe(FARM);
  process.stdout.write(
    `alerts of ${RIGS} rigs at ${USERS} destinations: ${((performance.now() - beganMs) / 1000).toFixed(2)} s\n`,
  );
});
