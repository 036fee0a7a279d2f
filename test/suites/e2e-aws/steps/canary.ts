/** The canary: a miner of the pool's own that measures it from outside. */

import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { expect } from "vitest";
import { ensureUser } from "../../../../functions/auth/bootstrap.ts";
import { invoke } from "../../../../infra/emulator/invoke.ts";
import { PAYOUT_ADDRESS } from "../../../support/accounts.ts";
import { CANARY, type DeployedPool } from "../deployed-pool.ts";

const status = v.object({
  canary: v.object({
    failedAt: v.nullable(v.string()),
    last: v.object({ connect: v.nullable(v.number()), job: v.nullable(v.number()) }),
  }),
});

export async function measureByCanary(pool: DeployedPool): Promise<void> {
  const { cloud, db, web } = pool;
  const look = async () => {
    await invoke(cloud.emulator.endpoint, "prosper-local-canary", {});
    // The answer may be kept for five seconds.
    await pause(5_100);
    return v.parse(status, JSON.parse((await web.send("GET", "/api/status")).body)).canary;
  };
  await ensureUser(db, CANARY, PAYOUT_ADDRESS);
  const took = expect.any(Number);
  // By its schedule it may have tried before, and an edge remembers for a minute that there is no such name.
  await expect
    .poll(look, { timeout: 80_000 })
    .toMatchObject({ failedAt: null, last: { connect: took, job: took } });
  pool.step("the canary got through");
}
