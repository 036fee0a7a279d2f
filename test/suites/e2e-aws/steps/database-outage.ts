/** An hour without the database. */

import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { expect } from "vitest";
import { one, sql } from "../../../../shared/db/port.ts";
import { until } from "../../../support/until.ts";
import { type DeployedPool, FACTOR } from "../deployed-pool.ts";
import { untilAllMine } from "../miners.ts";

const OUTAGE_MS = 3_600_000 / FACTOR;

export async function bridgeOutage(pool: DeployedPool): Promise<void> {
  const { cloud, db, queue } = pool;
  const edges = () => [...pool.edges.values()].map(({ program }) => program.child);
  const running = edges().map(({ pid }) => pid);
  const deadBefore = await queue.deadLetters();
  await cloud.postgres.stop();
  const endMs = performance.now() + OUTAGE_MS;
  await until("a summary that waits", async () => (await queue.messages()) > 1);
  const poisonMs = await queue.poison("in the outage");
  expect(poisonMs).toBeLessThan(OUTAGE_MS / 2);
  let least = Number.POSITIVE_INFINITY;
  while (performance.now() < endMs) {
    least = Math.min(least, await queue.messages());
    await pause(500);
  }
  const waiting = await queue.messages();
  expect(least).toBeGreaterThan(0);
  expect(await queue.deadLetters()).toBe(deadBefore + 1);
  await cloud.postgres.startAgain();
  await untilAllMine(pool);
  const applied = async (): Promise<number> =>
    (await one(db, sql`SELECT count(*)::int AS n FROM deltas`, v.object({ n: v.number() }))).n;
  const before = await applied();
  await until("an empty queue", async () => (await queue.messages()) === 0, {
    withinMs: 60_000,
    everyMs: 200,
  });
  expect(await queue.deadLetters()).toBe(deadBefore + 1);
  // Nothing was restarted for it.
  expect(edges().map(({ pid }) => pid)).toEqual(running);
  expect(edges().map(({ exitCode }) => exitCode)).toEqual([null, null]);
  pool.step(
    `the database was away for ${OUTAGE_MS / 1000} s: ${waiting} summaries waited, the poison was set aside after ${Math.round(poisonMs)} ms, ${(await applied()) - before} more applied since`,
  );
}
