/** kill -9 of the whole pool in the middle of blocks: what miners were promised is in the books, once. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { type Audit, audit } from "../../support/processes/audit.ts";
import {
  descendantsOf,
  isAlive,
  killPostgres,
  postgresPid,
  postgresPids,
  temporaryFolder,
} from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { Pool, type PoolFlags } from "../../support/processes/pool.ts";
import { COMMAND, PROJECT, type RunOptions } from "../../support/processes/prosper.ts";
import { StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";

const hasher = new Hasher();
afterAll(() => hasher.close());

describe("a pool killed with -9 in the middle of a block", () => {
  const flags: PoolFlags = { dataDir: temporaryFolder(), blockSeconds: 8, miners: 0 };
  const { dataDir } = flags;
  const bob = new Ledger("bob", hasher);
  const pools: Pool[] = [];

  async function started(): Promise<Pool> {
    const pool = await Pool.start(flags);
    pools.push(pool);
    return pool;
  }

  async function connected(pool: Pool): Promise<StratumClient> {
    const client = await StratumClient.connect(pool.ready.stratum);
    const answer = await client.login("bob", "a-password-of-bob", pool.ready.inviteCode, PAYOUT_ADDRESS);
    expect(answer).toMatchObject({ result: true });
    await until("a job", () => client.job !== undefined);
    return client;
  }

  /** Leaves the pool dead, and what it had not answered in the ledger. */
  async function killWhileMining(pool: Pool, client: StratumClient): Promise<void> {
    const enough = bob.acknowledged.length + 25;
    const mining = bob.mine(client, () => false);
    await until("acknowledged shares", () => bob.acknowledged.length >= enough);
    await pool.kill("SIGKILL");
    await mining;
  }

  /** Bob's shares in the books are those he was promised, and at most those more whose fate cannot be known. */
  async function expectCreditedOnce(): Promise<Audit> {
    const promised = bob.acknowledged.length;
    const books = await until(
      `bob's ${promised} shares in the books`,
      async () => {
        const current = await audit(dataDir);
        return (current.users["bob"]?.accepted ?? 0) >= promised && current;
      },
      { withinMs: 10_000, everyMs: 100 },
    );
    expect(books.users["bob"]?.accepted).toBeLessThanOrEqual(promised + bob.unknown.length);
    return books;
  }

  it.each(["the pool alone", "PostgreSQL too", "the pool alone again"])(
    "credits each acknowledged share once, where %s was killed",
    async (what) => {
      const killed = await started();
      await killWhileMining(killed, await connected(killed));
      expect(postgresPid(dataDir)).toBeDefined();
      if (what === "PostgreSQL too") {
        killPostgres(dataDir);
        await until("PostgreSQL's end", () => postgresPid(dataDir) === undefined);
      }

      const pool = await started();

      const client = await connected(pool);
      await bob.settle(client);
      expect(bob.unanswered).toEqual([]);
      await expectCreditedOnce();
      // What is in the pool's hands cannot be handed in again.
      for (const share of bob.acknowledged.slice(-20)) {
        const answer = await client.submit("bob", share);
        expect(answer?.result).toBe(false);
        expect(["ErrorDuplicateShare", "ErrorStaleShare"]).toContain(answer?.error?.message);
      }
      await killWhileMining(pool, client);
    },
  );

  it("seals every block once, in order, with all of its reward shared out", async () => {
    const pool = await started();
    const client = await connected(pool);
    await bob.settle(client);
    await bob.mine(client, () => pool.blocks().some(({ paid }) => paid > 0n));
    const last = Number(bob.acknowledged.at(-1)?.jobId);
    await until(
      "the seal of the last block he mined",
      () => pool.blocks().some(({ height }) => height >= last),
      { withinMs: 30_000 },
    );

    const books = await expectCreditedOnce();

    const printed = pools.flatMap((one) => one.blocks());
    const heights = printed.map(({ height }) => height);
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => a - b));
    expect(books.blocks).toBeGreaterThanOrEqual(printed.length);
    expect(books.users["bob"]?.owed).toBeGreaterThan(0n);
    for (const { fee, paid, carried, reward, carriedIn } of printed)
      expect(fee + paid + carried).toBe(reward + carriedIn);
    await pool.kill("SIGINT");
    expect(postgresPid(dataDir)).toBeUndefined();
  });

  it("ends at once on a second Ctrl-C, though the database hangs, and the next start goes on", async () => {
    const pool = await started();
    const server = postgresPids(dataDir);
    for (const pid of server) process.kill(pid, "SIGSTOP");
    pool.running.process.kill("SIGINT");
    await pause(1_000);
    expect(pool.running.process.exitCode).toBeNull();

    const { code } = await pool.kill("SIGINT");

    expect(code).toBe(130);
    for (const pid of server) process.kill(pid, "SIGCONT");
    const next = await started();
    await expectCreditedOnce();
    await next.kill("SIGINT");
    expect(postgresPid(dataDir)).toBeUndefined();
  });
});

describe("a pool whose PostgreSQL is killed with -9 in the middle of a block", () => {
  it("starts it again by itself, says so, mines on, and credits every acknowledged share", async () => {
    const pool = await Pool.start({ dataDir: temporaryFolder(), blockSeconds: 5, miners: 0 });
    const client = await StratumClient.connect(pool.ready.stratum);
    expect(await client.login("frank", "a-password", pool.ready.inviteCode, PAYOUT_ADDRESS)).toMatchObject({
      result: true,
    });
    const frank = new Ledger("frank", hasher);
    let isOver = false;
    const mining = frank.mine(client, () => isOver);
    await until("acknowledged shares", () => frank.acknowledged.length >= 20);
    const killed = postgresPid(pool.dataDir);
    const [, hanging] = postgresPids(pool.dataDir).slice(-2);
    // One backend does not see the end of its server: it holds the shared memory that a new one needs.
    if (hanging !== undefined) process.kill(hanging, "SIGSTOP");

    process.kill(killed ?? 0, "SIGKILL");

    const before = client.job?.id;
    await until(
      "another PostgreSQL",
      () => postgresPid(pool.dataDir) !== killed && postgresPid(pool.dataDir),
    );
    await until("two more jobs", () => Number(client.job?.id) >= Number(before) + 2);
    const enough = frank.acknowledged.length + 20;
    await until("more shares", () => frank.acknowledged.length >= enough);
    isOver = true;
    await mining;
    await until(
      `${frank.acknowledged.length} shares in the books`,
      async () => (await audit(pool.dataDir)).users["frank"]?.accepted === frank.acknowledged.length,
      { withinMs: 15_000, everyMs: 100 },
    );
    const told = pool.running.stderr();
    expect(told.match(/^error: the embedded PostgreSQL was killed: it is started again$/gm)).toHaveLength(1);
    expect(told.match(/^warning: the embedded PostgreSQL runs again \(awaySeconds: \d+\)$/gm)).toHaveLength(
      1,
    );
    expect(client.closed).toBe(false);
    expect(await pool.kill("SIGINT")).toMatchObject({ code: 0 });
    expect(postgresPid(pool.dataDir)).toBeUndefined();
  });
});

describe("a pool started by npm or by an older Node", () => {
  const flags: PoolFlags = { dataDir: temporaryFolder(), miners: 0 };

  /** The Node that npm itself runs on, where it is another than the project's. */
  const systemNode = [
    process.env["npm_node_execpath"],
    ...(process.env["PATH"] ?? "")
      .split(delimiter)
      .filter((folder) => !folder.includes("node_modules"))
      .map((folder) => join(folder, "node")),
  ].find((path) => path !== undefined && existsSync(path) && !path.includes("node_modules"));

  const ways: [string, RunOptions][] = [
    ["the system's Node", { program: [systemNode ?? process.execPath, COMMAND] }],
    ["npx", { program: ["npx", "prosper"], cwd: PROJECT }],
  ];

  it.each(ways)("leaves nothing behind when %s is killed, and starts again", async (_name, options) => {
    const pool = await Pool.start(flags, options);
    const below = descendantsOf(pool.running.process.pid ?? 0);
    const server = postgresPids(flags.dataDir);

    await pool.kill("SIGKILL");

    await until("the end of all it started", () => below.every((pid) => !isAlive(pid)), { withinMs: 3_000 });
    expect(postgresPids(flags.dataDir)[0]).toBe(server[0]);
    const next = await Pool.start(flags, options);
    expect(postgresPid(flags.dataDir)).toBe(server[0]);
    await audit(flags.dataDir);
    const rest = descendantsOf(next.running.process.pid ?? 0);

    await next.kill("SIGTERM");

    await until(
      "a stop in good order",
      () => rest.every((pid) => !isAlive(pid)) && postgresPid(flags.dataDir) === undefined,
      { withinMs: 5_000 },
    );
  });
});
