/** The first prices, the first job, and the first shares of it. */

import * as v from "valibot";
import { one, sql } from "../../../../shared/db/port.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";

export async function awaitFirstShares(pool: DeployedPool): Promise<void> {
  const { db, miners } = pool;
  const rows = () => one(db, sql`SELECT count(*)::int AS n FROM prices`, v.object({ n: v.number() }));
  await until("a price row", async () => (await rows()).n > 0, { withinMs: 120_000, everyMs: 100 });
  pool.step("prices by the scheduled function");
  await until("shares of every miner", () => miners.every((miner) => miner.acknowledged > 0), {
    withinMs: 60_000,
  });
  pool.step("every miner has an acknowledged share");
}
