/** A real pool whose clocks jump by two hours while it mines: its own with its database's, then the database's alone. */

import { afterAll, describe, expect, it } from "vitest";
import { audit } from "../start/support/audit.ts";
import { stopPostgres, temporaryFolder } from "../start/support/bench.ts";
import { Pool } from "../start/support/pool.ts";
import { Hasher, Ledger, PAYOUT_ADDRESS, StratumClient } from "../start/support/stratum-client.ts";
import { until } from "../start/support/until.ts";
import { type FakeClock, fakeClock, whyNot } from "./fake-clock.ts";

const reason = whyNot();
if (reason !== undefined) console.error(`test:clocks NOT RUN: ${reason}`);

const hasher = new Hasher();
afterAll(() => hasher.close());

interface PoolPage {
  readonly poolHashrate: number;
  readonly job: { readonly pricesAt: string; readonly height: number } | null;
}

async function page(pool: Pool): Promise<PoolPage> {
  return (await (await fetch(`${pool.ready.web}/api/pool`)).json()) as PoolPage;
}

/** Mines over +2 h, back to the truth, and −2 h; every job after a jump must have prices of its own and no seal may be forced. */
async function mineThroughJumps(pool: Pool, clock: FakeClock): Promise<void> {
  const client = await StratumClient.connect(pool.ready.stratum);
  await client.login("carol", "a-password", pool.ready.inviteCode, PAYOUT_ADDRESS);
  const ledger = new Ledger("carol", hasher);
  let isOver = false;
  const mining = ledger.mine(client, () => isOver);
  await pool.untilBlocks(2);
  const calmRate = (await page(pool)).poolHashrate;
  for (const hours of [2, 0, -2]) {
    clock.set(hours);
    const sealed = pool.blocks().length;
    const prices = new Set<string>();
    await until(
      `four blocks at ${hours} h`,
      async () => {
        const { job } = await page(pool);
        if (job !== null) prices.add(job.pricesAt);
        return pool.blocks().length >= sealed + 4;
      },
      { withinMs: 60_000, everyMs: 200 },
    ).catch((error: unknown) => {
      console.error(pool.running.stderr());
      throw error;
    });
    // The running job and those before it: no two in a row from one row.
    expect(prices.size).toBeGreaterThanOrEqual(3);
    expect((await page(pool)).poolHashrate).toBeLessThan(calmRate * 4);
  }
  isOver = true;
  await mining;
  await until(
    `${ledger.acknowledged.length} shares in the books`,
    async () => (await audit(pool.dataDir)).users["carol"]?.accepted === ledger.acknowledged.length,
    { withinMs: 20_000, everyMs: 200 },
  );
  expect(ledger.acknowledged.length).toBeGreaterThan(50);
  expect(pool.running.stderr()).not.toMatch(
    /sealed by the deadline|waits to be sealed|from the future.*no job/i,
  );
  expect(pool.running.stderr()).toMatch(/clock has jumped/i);
}

describe.skipIf(reason !== undefined)("a pool on a host whose clock jumps two hours forward and back", () => {
  it("mines on with new prices, forces no seal, keeps every share, and says that its clock has jumped", async () => {
    const clock = fakeClock(temporaryFolder());
    const pool = await Pool.start(
      { dataDir: temporaryFolder(), blockSeconds: 5, miners: 0 },
      { env: clock.env },
    );
    await mineThroughJumps(pool, clock);
    await pool.kill("SIGTERM");
  });

  it("does so too where the database's clock alone jumps", async () => {
    const clock = fakeClock(temporaryFolder());
    const pool = await Pool.start({ dataDir: temporaryFolder(), blockSeconds: 5, miners: 0 });
    const startAgain = await stopPostgres(pool.dataDir);
    Object.assign(process.env, clock.env);
    startAgain();
    for (const name of Object.keys(clock.env)) delete process.env[name];
    await mineThroughJumps(pool, clock);
    await pool.kill("SIGTERM");
  });
});
