/** From the first start to a paid miner: what a user sees of `prosper up`, and what its books say meanwhile. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { audit } from "../../support/processes/audit.ts";
import { isAlive, postgresPid, temporaryFolder } from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { type Block, Pool, type Ready, startUp } from "../../support/processes/pool.ts";
import { prosper, start } from "../../support/processes/prosper.ts";
import { StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";

/** What is read of an operation in the API's document. */
const OPERATION = v.object({
  parameters: v.optional(v.array(v.object({ in: v.string(), required: v.optional(v.boolean()) }))),
});

const dataDir = temporaryFolder();
const workFolder = temporaryFolder();
const hasher = new Hasher();
const alice = new Ledger("alice", hasher);
let pool: Pool;
let first: Ready;
let blocks: Block[] = [];

beforeAll(async () => {
  pool = await Pool.start({ dataDir });
  first = pool.ready;
});
afterAll(() => hasher.close());

/** Alice's shares in the books, once they are those that she was promised. */
async function untilCounted(withinMs: number): Promise<number> {
  return until(
    `${alice.acknowledged.length} counted shares`,
    async () => {
      const { accepted } = (await audit(dataDir)).users["alice"] ?? { accepted: 0 };
      return accepted === alice.acknowledged.length && accepted;
    },
    { withinMs, everyMs: 100 },
  );
}

describe("prosper up on a new folder", () => {
  it("names the administrator and an invite code", () => {
    expect(first.adminUser?.name).toMatch(/^[\x21-\x7e]+$/);
    expect(first.adminUser?.password.length).toBeGreaterThanOrEqual(12);
  });

  it("registers a miner by the code and counts each share it acknowledges within ten seconds", async () => {
    const client = await StratumClient.connect(first.stratum);
    const answer = await client.login("alice", "a-password-of-alice", first.inviteCode, PAYOUT_ADDRESS);
    expect(answer).toMatchObject({ result: true });

    await alice.mine(client, () => alice.acknowledged.length >= 60);
    await until("the last answers", () => client.call("mining.get_oprhash", ["1"]));
    client.close();

    expect(await untilCounted(10_000)).toBeGreaterThanOrEqual(60);
    expect((await audit(dataDir)).users["alice"]?.work).toBeGreaterThan(0n);
  });

  it("takes an invite code once", async () => {
    const client = await StratumClient.connect(first.stratum);
    const answer = await client.login("mallory", "a-password", first.inviteCode, PAYOUT_ADDRESS);
    expect(answer?.result).toBe(false);
    expect(answer?.error?.data).toMatch(/invite/i);
    client.close();
  });

  it("prints each sealed block once, whose money adds up, with entries of ours among the winners", async () => {
    const client = await StratumClient.connect(first.stratum);
    await client.login("alice");
    let isOver = false;
    const mining = alice.mine(client, () => isOver);
    const won = (): number => pool.blocks().filter(({ winning }) => winning > 0).length;
    await pool.untilBlocks(5);
    // Beside other work on the machine the rivals take most places of a block.
    await until("three blocks with places of ours", () => won() >= 3, { withinMs: 60_000 });
    blocks = pool.blocks();
    isOver = true;
    await mining;
    await client.call("mining.get_oprhash", ["1"]);
    client.close();
    for (const { fee, paid, carried, reward, carriedIn } of blocks)
      expect(fee + paid + carried).toBe(reward + carriedIn);
    // A machine that is too busy for blocks of 3 s may pass one over: there is then no job, and nothing to seal.
    const heights = blocks.map(({ height }) => height);
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => a - b));
    expect(won()).toBeGreaterThanOrEqual(3);
    expect(blocks.every(({ winning }) => winning <= 25)).toBe(true);
    for (const [i, { carriedIn }] of blocks.entries())
      if (i > 0) expect(carriedIn).toBe(blocks[i - 1]?.carried);
  });

  it("owes both miners something, by books that hold the printed blocks", async () => {
    const books = await audit(dataDir);
    const printed = await pool.untilBlocks(books.blocks);
    expect(books.blocks).toBeGreaterThanOrEqual(5);
    expect(books.users["local"]?.owed).toBeGreaterThan(0n);
    expect(books.users["alice"]?.owed).toBeGreaterThan(0n);
    const sum = (of: (block: Block) => bigint): bigint =>
      printed.slice(0, books.blocks).reduce((total, block) => total + of(block), 0n);
    expect([books.reward, books.fee, books.paid]).toEqual([
      sum(({ reward }) => reward),
      sum(({ fee }) => fee),
      sum(({ paid }) => paid),
    ]);
  });

  it("lets prosper miner mine for a registered name, and tells it what was accepted", async () => {
    const args = ["--host", first.stratum, "--user", "alice", "--worker", "rig2", "--threads", "1"];
    const before = await untilCounted(10_000);
    const miner = start(["miner", ...args, "--duty", "0.3", "--bits", "16"]);
    // On a busy machine the first share takes its time, and between two jobs nobody mines.
    const counted = async (): Promise<number> => (await audit(dataDir)).users["alice"]?.accepted ?? 0;
    await until("a first share of the miner", async () => (await counted()) > before, {
      withinMs: 30_000,
      everyMs: 100,
    });
    miner.process.kill("SIGINT");
    const { code, stdout } = await miner.ended;
    expect(code).toBe(0);
    const accepted = Number(/accepted (\d+)/.exec(stdout)?.[1]);
    expect(accepted).toBeGreaterThan(0);
    await until(
      "the miner's shares in the books",
      async () => (await audit(dataDir)).users["alice"]?.accepted === before + accepted,
      { withinMs: 10_000, everyMs: 100 },
    );
  });
});

describe("the miners' side of the port", () => {
  it("answers what is no JSON, an unknown method and a wrong password, each by its error", async () => {
    const client = await StratumClient.connect(first.stratum);
    client.send("this is no JSON\n");
    await until("an answer to the malformed line", () => client.lines.length === 1);
    expect(client.lines[0]).toMatchObject({ id: null, error: { code: 32700, message: "ErrorParseError" } });

    expect(await client.call("mining.fly", [])).toMatchObject({
      result: null,
      error: { code: 32601, message: "ErrorMethodNotFound" },
    });

    const refused = await client.login("alice", "not her password");
    expect(refused).toMatchObject({ result: false, error: { code: 32010 } });
    expect(refused?.error?.data).toMatch(/password/i);

    // None of it has cost the connection anything.
    expect(await client.login("alice", "a-password-of-alice")).toMatchObject({ result: true });
    client.close();
  });

  it("closes the connection that sends a line of a megabyte, and no other", async () => {
    const other = await StratumClient.connect(first.stratum);
    await other.login("alice");
    const client = await StratumClient.connect(first.stratum);
    client.send("x".repeat(1_000_000));
    await until("the end of the connection", () => client.closed);
    expect(await other.call("mining.get_oprhash", ["1"])).toBeDefined();
    other.close();
  });
});

describe("the web", () => {
  it("serves the first page by a policy that lets no inline script run", async () => {
    const page = await fetch(`${first.web}/`, { headers: { accept: "text/html" } });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:|http/);
    const html = await page.text();
    expect(html).toMatch(/<title>/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style="/);
    for (const [, address = ""] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g))
      expect((await fetch(first.web + address)).status).toBe(200);
  });

  it("says that it is well, and gives figures to Prometheus", async () => {
    // Between two blocks there is no job for a moment.
    await until("good health", async () => (await fetch(`${first.web}/healthz`)).status === 200);
    const metrics = await fetch(`${first.web}/metrics`);
    expect(metrics.status).toBe(200);
    expect(await metrics.text()).toMatch(/^# TYPE \w+ (gauge|counter)$/m);
  });

  it("describes its API and answers it", async () => {
    const document = await fetch(`${first.web}/api/openapi.json`);
    expect(document.status).toBe(200);
    const { openapi, paths } = v.parse(
      v.object({
        openapi: v.string(),
        paths: v.record(v.string(), v.object({ get: v.optional(OPERATION) })),
      }),
      await document.json(),
    );
    expect(openapi).toMatch(/^3\./);
    const open = Object.entries(paths).filter(
      ([path, { get }]) => get !== undefined && !path.includes("{") && path !== "/healthz",
    );
    expect(open.length).toBeGreaterThan(3);
    for (const [path, { get }] of open) {
      const asks = get?.parameters?.some(({ in: where, required }) => where === "query" && required === true);
      const expected = asks === true ? [400] : [200, 401, 403];
      expect(expected, path).toContain((await fetch(first.web + path)).status);
    }
  });

  it("answers the reference's JSON-RPC with what was printed", async () => {
    const ask = async (method: string): Promise<unknown> => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { limit: 200 } });
      const headers = { "content-type": "application/json" };
      return (await fetch(`${first.web}/api/v1`, { method: "POST", headers, body })).json();
    };
    const form = v.object({ result: v.object({ data: v.array(v.record(v.string(), v.unknown())) }) });
    const rewards = v.parse(form, await ask("api.Rewards")).result.data;
    for (const { height, winning, reward } of blocks)
      expect(rewards.find(({ jobid }) => jobid === height)).toMatchObject({
        poolreward: Number(reward),
        winningoprs: winning,
      });
    expect(v.parse(form, await ask("api.EntrySubmissions")).result.data.length).toBeGreaterThan(0);
    expect(await ask("api.SubmitSync")).toMatchObject({ result: { submitting: expect.anything() } });
    expect(await ask("api.Nothing")).toMatchObject({ error: { code: expect.any(Number) } });
  });

  it("lets the administrator in by the printed password, and nobody by another", async () => {
    const { name = "", password = "" } = first.adminUser ?? {};
    const login = (secret: string): Promise<Response> =>
      fetch(`${first.web}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: first.web },
        body: JSON.stringify({ name, password: secret }),
      });
    expect((await login(password)).status).toBe(200);
    expect((await login("another password")).status).toBe(401);
  });
});

describe("paying", () => {
  const payFile = join(workFolder, "pay.json");
  const receipt = join(workFolder, "pay.receipt.json");
  const inFolder = ["--data-dir", dataDir];
  const payments = v.array(v.looseObject({}));

  it("sends what is owed on the devnet, books it once, and leaves nothing of it owed", async () => {
    const listed = await prosper(["db", "payout", payFile, ...inFolder]);
    expect(listed).toMatchObject({ code: 0, stderr: "", pool: expect.stringContaining(` in ${dataDir}, `) });
    const due = v.parse(payments, JSON.parse(readFileSync(payFile, "utf8")));
    expect(due.length).toBe(2);

    const paid = await prosper(["payout", "pay", payFile, "--yes", ...inFolder]);
    expect(paid).toMatchObject({ code: 0, stderr: "" });
    expect(paid.stdout).toMatch(/EntryHash: [0-9a-f]{64}/);

    const recorded = await prosper(["db", "record", receipt, ...inFolder]);
    expect(recorded).toMatchObject({ code: 0, stderr: "" });
    const { users } = await audit(dataDir);
    const outOf = Object.values(users).reduce((sum, user) => sum + user.paidOut, 0n);
    expect(outOf).toBeGreaterThan(0n);
    expect(listed.stdout).toContain(peg(outOf));
    // The chain goes on meanwhile: what is owed now was earned after the list was made.
    for (const user of Object.values(users)) expect(user.owed).toBe(user.booked - user.paidOut);
  });

  it("does nothing on the second call, and says so", async () => {
    const before = (await audit(dataDir)).users;
    const again = await prosper(["db", "record", receipt, ...inFolder]);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/recorded already; nothing was changed/);
    const paidAgain = await prosper(["payout", "pay", payFile, "--yes", ...inFolder]);
    expect(paidAgain.code).toBe(1);
    expect(paidAgain.stderr).toMatch(/^prosper: .*exists already/);
    const after = (await audit(dataDir)).users;
    for (const name of ["alice", "local"]) expect(after[name]?.paidOut).toBe(before[name]?.paidOut);
  });

  it("has reached the miner's address on the chain", async () => {
    const paidOut = (await audit(dataDir)).users["alice"]?.paidOut ?? 0n;
    const balance = async (): Promise<bigint> => {
      const address = new URL("/v1", first.factomd);
      const params = { address: PAYOUT_ADDRESS };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "get-pegnet-balances", params });
      const answer = await (await fetch(address, { method: "POST", body })).text();
      return BigInt(/"PEG":(\d+)/.exec(answer)?.[1] ?? 0);
    };
    await until("the payment", async () => (await balance()) > 0n);
    expect(await balance()).toBe(paidOut);
  });
});

describe("stopping and starting", () => {
  it("refuses a second start on the same folder by one line, and the first goes on", async () => {
    const { code, stdout, stderr } = await startUp({ dataDir }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    // Started with --json: the error is an event.
    expect(JSON.parse(stderr)).toMatchObject({
      event: "error",
      message: expect.stringMatching(/ is in use by process \d+: stop it first[^\n]*$/),
    });
    expect(stderr).toContain(` ${pool.running.process.pid}:`);

    const count = pool.blocks().length;
    await pool.untilBlocks(count + 1);
    expect((await fetch(first.web)).status).toBe(200);
  });

  it("stops on Ctrl-C with everything it started", async () => {
    const client = await StratumClient.connect(first.stratum);
    await client.login("alice");
    await alice.mine(client, () => client.lines.length > 30);
    const mining = alice.mine(client, () => false);
    const server = postgresPid(dataDir) ?? 0;
    expect(isAlive(server)).toBe(true);

    const { code, signal, stderr } = await pool.kill("SIGINT");

    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
    await mining;
    expect(isAlive(server)).toBe(false);
    expect(postgresPid(dataDir)).toBeUndefined();
  });

  it("goes on at the next height with the same books, a fresh invite and no new administrator", async () => {
    const before = await audit(dataDir);
    const earlier = pool.blocks();

    pool = await Pool.start({ dataDir });

    expect(pool.ready.adminUser).toBeUndefined();
    expect(pool.ready.inviteCode).not.toBe(first.inviteCode);
    const [next] = await pool.untilBlocks(1);
    const last = earlier.at(-1)?.height ?? 0;
    expect(next?.height).toBeGreaterThan(last);
    expect(next?.height).toBeLessThanOrEqual(last + 3);
    const after = await audit(dataDir);
    expect(after.users["alice"]?.accepted).toBe(before.users["alice"]?.accepted);
    expect(after.users["alice"]?.paidOut).toBe(before.users["alice"]?.paidOut);
    // A block is in the books a moment before its line is printed.
    const unprinted = async (): Promise<number> =>
      (await audit(dataDir)).blocks - earlier.length - pool.blocks().length;
    await until("a line for each block", async () => (await unprinted()) === 0, {
      withinMs: 10_000,
      everyMs: 100,
    });
  });

  it("takes two signals at once for one, as npm passes a Ctrl-C on a second time", async () => {
    pool.running.process.kill("SIGINT");
    await pause(30);
    const { code } = await pool.kill("SIGINT");
    expect(code).toBe(0);
    expect(postgresPid(dataDir)).toBeUndefined();
  });

  it("keeps the invite code until somebody uses it", async () => {
    const { inviteCode } = pool.ready;
    pool = await Pool.start({ dataDir });
    expect(pool.ready.inviteCode).toBe(inviteCode);
    await pool.kill("SIGTERM");
  });
});

function peg(amount: bigint): string {
  return `${amount / 100_000_000n}.${(amount % 100_000_000n).toString().padStart(8, "0")}`;
}
