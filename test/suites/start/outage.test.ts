/** A pool that loses its database or its disk's room for a while: it says so, goes on, and loses nothing. */

import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { audit } from "../../support/processes/audit.ts";
import { stopPostgres, temporaryFolder } from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { Pool } from "../../support/processes/pool.ts";
import { type Share, StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";

const hasher = new Hasher();
afterAll(() => hasher.close());

/** A miner at work on a new pool. */
async function mined(user: string) {
  const pool = await Pool.start({ dataDir: temporaryFolder(), blockSeconds: 5, miners: 0 });
  const client = await StratumClient.connect(pool.ready.stratum);
  const answer = await client.login(user, "a-password", pool.ready.inviteCode, PAYOUT_ADDRESS);
  expect(answer).toMatchObject({ result: true });
  const ledger = new Ledger(user, hasher);
  let isOver = false;
  const mining = ledger.mine(client, () => isOver);
  return {
    ...{ pool, client, ledger },
    untilShares: (more: number): Promise<unknown> => {
      const enough = ledger.acknowledged.length + more;
      return until(`${more} acknowledged shares`, () => ledger.acknowledged.length >= enough);
    },
    untilNextJob: (): Promise<unknown> => {
      const before = client.job?.id;
      return until("a new job", () => client.job !== undefined && client.job.id !== before);
    },
    /** Ends the work; every share that was acknowledged is in the books then. */
    expectAllCredited: async (): Promise<void> => {
      isOver = true;
      await mining;
      await client.call("mining.get_oprhash", ["1"]);
      await until(
        `${ledger.acknowledged.length} shares in the books`,
        async () => (await audit(pool.dataDir)).users[user]?.accepted === ledger.acknowledged.length,
        { withinMs: 10_000, everyMs: 100 },
      );
    },
  };
}

describe("a pool whose PostgreSQL is stopped in the middle of a block", () => {
  it("mines on in that block, waits, and credits all of it when the server is back", async () => {
    const { pool, client, untilShares, untilNextJob, expectAllCredited } = await mined("carol");
    await untilNextJob();
    await untilShares(10);

    const startAgain = await stopPostgres(pool.dataDir);

    await untilShares(5);
    await until("a stop at the end of the block", () => client.job === undefined);
    // Whether a stranger may come in cannot be told now: the connection ends without a verdict.
    const stranger = await StratumClient.connect(pool.ready.stratum);
    expect(await stranger.login("erin", "a-password", "a-code", PAYOUT_ADDRESS)).toBeUndefined();
    expect((await fetch(`${pool.ready.web}/healthz`)).status).toBe(503);
    expect(client.closed).toBe(false);
    const told = pool.running.stderr();
    expect(told).toMatch(/^error: the database is away: .* until PostgreSQL is started again .*\n$/);

    startAgain();

    await untilNextJob();
    await untilShares(5);
    await expectAllCredited();
    expect(pool.running.stderr().slice(told.length)).toMatch(/^warning: the database is back .*\n$/);
    expect(await pool.kill("SIGINT")).toMatchObject({ code: 0 });
  });
});

describe("a pool whose chain stands still", () => {
  it("is healthy through the gaps between jobs, says once that no block comes, and once that they come again", async () => {
    const pool = await Pool.start({ dataDir: temporaryFolder(), blockSeconds: 5, miners: 0 });
    const { web, factomd } = pool.ready;
    const health = async (): Promise<{ status: number; told: string }> => {
      const response = await fetch(`${web}/healthz`);
      return { status: response.status, told: await response.text() };
    };
    const control = (change: object): Promise<Response> =>
      fetch(new URL("/control", factomd), { method: "POST", body: JSON.stringify(change) });
    const stalledSeconds = async (): Promise<string | undefined> =>
      /"stalledSeconds":(\w+)/.exec(await (await fetch(`${web}/api/pool`)).text())?.[1];
    await until("good health", async () => (await health()).status === 200);

    const seen: number[] = [];
    for (const endMs = performance.now() + 12_000; performance.now() < endMs; await pause(20))
      seen.push((await health()).status);
    expect(new Set(seen)).toEqual(new Set([200]));
    expect(await stalledSeconds()).toBe("null");
    const told = (): string => pool.running.stderr();
    expect(told()).toBe("");

    await control({ stall: true });

    const alarm = await until("an alarm", () => told().match(/^error: the chain stands still.*\n/m)?.[0], {
      withinMs: 30_000,
    });
    expect(alarm).toMatch(/three block periods without a block.* \(height: \d+, seconds: 1[5-9]\)$/m);
    await until("poor health", async () => (await health()).status === 503);
    expect((await health()).told).toMatch(/"chain":"no block after \d+ for \d+ s/);
    await until("the page to tell of it", async () => Number(await stalledSeconds()) >= 15);
    await pause(3_000);

    await control({ stall: false });

    await until("the end of it", () => /^warning: the chain goes on/m.test(told()), { withinMs: 30_000 });
    await until("good health", async () => (await health()).status === 200);
    expect(await stalledSeconds()).toBe("null");
    expect(told().match(/the chain stands still/g)).toHaveLength(1);
    expect(told().match(/the chain goes on/g)).toHaveLength(1);
    expect(await pool.kill("SIGINT")).toMatchObject({ code: 0 });
  });
});

describe("a pool whose disk is full", () => {
  it("refuses shares as busy, goes on when there is room again, and credits what it acknowledged", async () => {
    const { pool, client, ledger, untilShares, untilNextJob, expectAllCredited } = await mined("dora");
    await untilNextJob();
    await untilShares(10);
    // The journal, the devnet's chain and the log alike: no file of the pool can grow.
    const limit = (soft: string): void =>
      void execFileSync("prlimit", ["--pid", `${pool.running.process.pid}`, `--fsize=${soft}:unlimited`]);

    // Ready when the disk fills up: a quarter of a second later miners are told to stop, and a slow one has sent nothing until then.
    ledger.held = [];
    const waiting = (): Share[] =>
      ledger.held?.filter(
        ({ jobId, nonce, target }) =>
          jobId === client.job?.id &&
          nonce.startsWith(client.prefix) &&
          BigInt(`0x${target}`) >= client.target,
      ) ?? [];
    await until("shares to send", () => waiting().length >= 3);

    limit("64");

    await ledger.release(client);
    await until("a share refused as busy", () =>
      ledger.refusals.some(({ message }) => message === "ErrorBusy"),
    );
    const told = await until(
      "a message",
      () => /^.*journal's disk is full.*$/m.exec(pool.running.stderr())?.[0],
    );
    expect(told).toMatch(/^error: .*shares are refused as busy until there is room .*free some space/);
    await until("a block that cannot be made", () => pool.running.stderr().includes("could not be made"));
    expect(client.closed).toBe(false);
    expect(pool.running.process.exitCode).toBeNull();

    limit("unlimited");

    await untilNextJob();
    await untilShares(10);
    await expectAllCredited();
    const lines = pool.running.stderr().trimEnd().split("\n");
    expect(lines.filter((line) => line.includes("disk is full"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("has room again"))).toHaveLength(1);
    expect(await pool.kill("SIGINT")).toMatchObject({ code: 0 });

    // What the disk tore is no part of the chain: the next start reads all of it, and mines on.
    const next = await Pool.start({ dataDir: pool.dataDir, blockSeconds: 5 });
    await next.untilBlocks(1);
    expect(next.running.stderr()).not.toMatch(/cut off|passed over|cannot be followed/);
    expect(await next.kill("SIGINT")).toMatchObject({ code: 0 });
  });
});
