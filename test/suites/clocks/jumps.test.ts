/** A real pool whose clocks jump by two hours while it mines: its own with its database's, then the database's alone. */

import { afterAll, describe, expect, it } from "vitest";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { audit } from "../../support/processes/audit.ts";
import { stopPostgres, temporaryFolder } from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { Pool } from "../../support/processes/pool.ts";
import { StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";
import { type FakeClock, fakeClock, whyNot } from "./fake-clock.ts";

const canRun = isRunnable("test:clocks", whyNot());

const hasher = new Hasher();
afterAll(() => hasher.close());

/** Eleven blocks: a pool that does nothing new for so long stands still. */
const STILL_MS = 45_000;

interface PoolPage {
  readonly poolHashrate: number;
  readonly job: { readonly pricesAt: string; readonly height: number } | null;
}

async function page(pool: Pool): Promise<PoolPage> {
  return (await (await fetch(`${pool.ready.web}/api/pool`)).json()) as PoolPage;
}

/** Logs in as carol; the session's cookie. */
async function logIn(pool: Pool): Promise<string> {
  const answer = await fetch(`${pool.ready.web}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: pool.ready.web },
    body: JSON.stringify({ name: "carol", password: "a-password" }),
  });
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

/** Whose the cookie is; undefined when its session is over. */
async function whoIs(pool: Pool, cookie: string): Promise<string | undefined> {
  const answer = await fetch(`${pool.ready.web}/api/session`, { headers: { cookie } });
  return ((await answer.json()) as { user: { name: string } | null }).user?.name;
}

/** Waits for `goal`, however slow the machine is, while the count of what was seen grows at least once in `STILL_MS`. */
async function goneOn(pool: Pool, what: string, goal: number, seen: () => Promise<number>): Promise<void> {
  let most = -1;
  while (most < goal) {
    const least = most + 1;
    most = await until(
      `${what} (${most} of ${goal} seen)`,
      async () => {
        const count = await seen();
        return count >= least && count;
      },
      { withinMs: STILL_MS, everyMs: 200 },
    ).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}; the pool's last words:\n${pool.running.stderr().slice(-4000)}`);
    });
  }
}

/** Mines over +2 h, back to the truth, and −2 h; every job after a jump must have prices of its own and no seal may be forced. */
async function mineThroughJumps(pool: Pool, clock: FakeClock): Promise<void> {
  const client = await StratumClient.connect(pool.ready.stratum);
  await client.login("carol", "a-password", pool.ready.inviteCode, PAYOUT_ADDRESS);
  const ledger = new Ledger("carol", hasher);
  let isOver = false;
  const mining = ledger.mine(client, () => isOver);
  await pool.untilBlocks(2);
  const cookie = await logIn(pool);
  expect(await whoIs(pool, cookie)).toBe("carol");
  const calmRate = (await page(pool)).poolHashrate;
  for (const hours of [2, 0, -2]) {
    const before = (await page(pool)).job?.pricesAt;
    clock.set(hours);
    const sealed = pool.blocks().length;
    const prices = new Set<string>();
    await goneOn(pool, `three blocks and three new price rows at ${hours} h`, 6, async () => {
      const { job } = await page(pool);
      if (job !== null && job.pricesAt !== before) prices.add(job.pricesAt);
      return Math.min(3, pool.blocks().length - sealed) + Math.min(3, prices.size);
    });
    expect((await page(pool)).poolHashrate).toBeLessThan(calmRate * 4);
    expect(await whoIs(pool, cookie)).toBe("carol");
  }
  // Neither its slot's lease nor the chain's was lost: that would have ended the connection.
  expect(client.closed).toBe(false);
  isOver = true;
  await mining;
  await until(
    `${ledger.acknowledged.length} shares in the books`,
    async () => (await audit(pool.dataDir)).users["carol"]?.accepted === ledger.acknowledged.length,
    { withinMs: 60_000, everyMs: 200 },
  );
  expect(ledger.acknowledged.length).toBeGreaterThan(50);
  expect(pool.running.stderr()).not.toMatch(
    /sealed by the deadline|waits to be sealed|from the future.*no job/i,
  );
  expect(pool.running.stderr()).toMatch(/clock has jumped/i);
}

describe.skipIf(!canRun)("a pool on a host whose clock jumps two hours forward and back", () => {
  it("mines on with new prices, forces no seal, keeps every share and session, and says that its clock has jumped", async () => {
    const clock = fakeClock(temporaryFolder());
    const pool = await Pool.start(
      { dataDir: temporaryFolder(), blockSeconds: 4, miners: 0 },
      { env: clock.env },
    );
    await mineThroughJumps(pool, clock);
    await pool.kill("SIGTERM");
  });

  it("does so too where the database's clock alone jumps", async () => {
    const clock = fakeClock(temporaryFolder());
    const pool = await Pool.start({ dataDir: temporaryFolder(), blockSeconds: 4, miners: 0 });
    const startAgain = await stopPostgres(pool.dataDir);
    Object.assign(process.env, clock.env);
    startAgain();
    for (const name of Object.keys(clock.env)) delete process.env[name];
    await mineThroughJumps(pool, clock);
    await pool.kill("SIGTERM");
  });
});
