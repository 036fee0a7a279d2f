/** An edge that goes: killed, and drained. */

import * as v from "valibot";
import { expect } from "vitest";
import { one, sql } from "../../../../shared/db/port.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";
import { sendMiners, untilAllMine } from "../miners.ts";

export async function killEdge(pool: DeployedPool): Promise<void> {
  const { program } = pool.edge(1);
  program.child.kill("SIGKILL");
  await program.ended;
  await pool.startEdge(1);
  sendMiners(pool, 1, 1);
  await untilAllMine(pool);
  pool.step("edge 1 was killed with -9, is back, and all its miners mine again");
}

export async function drainEdge(pool: DeployedPool): Promise<void> {
  const { db } = pool;
  const height = await pool.newestJob();
  const { program } = pool.edge(1);
  sendMiners(pool, 1, 0);
  const stopping = program.stop(60_000);
  // A balancer goes on sending some: each is taken and closed, and none refused.
  const late = await pool.connectTo(1);
  await late.until(() => late.closed);
  await stopping;
  expect([program.child.exitCode, program.child.signalCode]).toEqual([0, null]);
  await untilAllMine(pool);
  // No block waits for an edge that has said its last word.
  const later = sql`SELECT count(*)::int AS sealed, count(*) FILTER (WHERE forced)::int AS forced
      FROM jobs WHERE state = 'sealed' AND height >= ${height}::int`;
  const row = v.object({ sealed: v.number(), forced: v.number() });
  await until("the seal of the drained edge's block", async () => (await one(db, later, row)).sealed > 0, {
    withinMs: 90_000,
    everyMs: 200,
  });
  expect((await one(db, later, row)).forced).toBe(0);
  await pool.startEdge(1);
  sendMiners(pool, 1, 1);
  pool.step("edge 1 was drained, its last block is sealed without waiting for the deadline, and it is back");
}
