/** The guide's "Upgrade, and back", while somebody mines. */

import { expect } from "vitest";
import { until } from "../../../support/until.ts";
import type { GuidedPool } from "../guided-pool.ts";
import { release } from "../programs.ts";

export async function goBackAndUpgrade(pool: GuidedPool): Promise<void> {
  const counted = await pool.accepted();
  pool.startMining();
  await pool.untilMined(2);
  for (const version of [`v${release.version}`, "today"]) {
    await pool.follow("Upgrade, and back", "checkout --detach", { PROSPER_VERSION: version });
    expect(await pool.server.run("root", "git -C /opt/prosper describe --tags")).toBe(`${version}\n`);
    await pool.untilReady();
    await pool.untilMined(2);
  }
  const { submitted, accepted: told } = await pool.stopMining();
  expect(told).toBeGreaterThan(0);
  // A share whose answer was cut off is booked all the same, and its miner does not know.
  const booked = await until(
    "all of them in the books",
    async () => {
      const now = (await pool.accepted()) - counted;
      return now >= told && now;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  );
  expect(booked).toBeLessThanOrEqual(submitted);
  await pool.server.run("prosper", "prosper audit --replay");
}
