/** Summaries on their way from the edge's cut to their row: past a poison message, and how long they take. */

import * as v from "valibot";
import { expect } from "vitest";
import { one, sql } from "../../../../shared/db/port.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";

export async function setPoisonAside(pool: DeployedPool): Promise<void> {
  const { db } = pool;
  const sentMs = Date.now();
  await pool.queue.poison("first");
  // The poison is put aside at once: what comes beside and after it is looked at for as long as it takes to be something.
  const others = sql`SELECT count(*)::int AS applied, coalesce(max(extract(epoch FROM applied_at) * 1000 - (body::jsonb ->> 'toMs')::float8), 0)::float8 AS longest
      FROM deltas WHERE applied_at > to_timestamp(${sentMs}::float8 / 1000)`;
  const row = v.object({ applied: v.number(), longest: v.number() });
  await until("other summaries", async () => (await one(db, others, row)).applied > 5, {
    withinMs: 60_000,
  });
  const { applied, longest } = await one(db, others, row);
  // Behind a poison that is only given up they would wait for five tries of three seconds.
  expect(longest).toBeLessThan(10_000);
  pool.step(
    `the poison is a dead letter; meanwhile ${applied} summaries were applied, the slowest after ${Math.round(longest)} ms`,
  );
}

export async function timeSummaries({ db }: DeployedPool): Promise<void> {
  const { p50, p99, messages } = await one(
    db,
    sql`SELECT count(*)::int AS messages, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::float8 AS p99
        FROM (SELECT extract(epoch FROM applied_at) * 1000 - (body::jsonb ->> 'toMs')::float8 AS ms FROM deltas) AS latencies`,
    v.object({ messages: v.number(), p50: v.number(), p99: v.number() }),
  );
  process.stdout.write(
    `   SQS to row: p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms (${messages} summaries)\n`,
  );
  expect(messages).toBeGreaterThan(20);
  expect(p50).toBeLessThan(5_000);
}
