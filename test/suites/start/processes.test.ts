/** Several edge processes behind one port: one is killed, all are killed, fewer are started again; nothing that was acknowledged is lost. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { PAYOUT_ADDRESS } from "../../support/accounts.ts";
import { audit } from "../../support/processes/audit.ts";
import { descendantsOf, isAlive, postgresPid, temporaryFolder } from "../../support/processes/bench.ts";
import { Hasher, Ledger } from "../../support/processes/ledger.ts";
import { Pool, type PoolFlags } from "../../support/processes/pool.ts";
import { StratumClient } from "../../support/stratum-client.ts";
import { until } from "../../support/until.ts";

const PROCESSES = 3;
/** Miners of each process that there are to be at least. */
const EACH = 2;
const health = v.object({ ok: v.boolean(), checks: v.record(v.string(), v.string()) });

const hasher = new Hasher();
afterAll(() => hasher.close());

describe("a pool with three edge processes", () => {
  const flags: PoolFlags = { dataDir: temporaryFolder(), blockSeconds: 8, miners: 0 };
  const { dataDir } = flags;
  const grace = new Ledger("grace", hasher);
  let pool: Pool;
  let clients: StratumClient[] = [];
  let tried = 0xf000_0000;

  async function connected(invite = ""): Promise<StratumClient> {
    const client = await StratumClient.connect(pool.ready.stratum);
    const answer = await client.login(
      "grace",
      ...(invite === "" ? [] : ["a-password", invite, PAYOUT_ADDRESS]),
    );
    expect(answer).toMatchObject({ result: true });
    return client;
  }

  /** The slot is the upper 12 bits of a prefix: a process of its own. */
  const slotOf = (client: StratumClient): number => Number.parseInt(client.prefix.slice(0, 3), 16);

  /** Throws where so many came to some processes only that it cannot be chance. */
  function haveEnough(): boolean {
    const slots = clients.map(slotOf);
    if (clients.length > 50) throw new Error(`of 50 miners these slots took all: ${[...new Set(slots)]}`);
    const mined = [...new Set(slots)].filter((slot) => slots.filter((one) => one === slot).length >= EACH);
    return mined.length === PROCESSES;
  }

  const ask = (path: string): Promise<Response> => fetch(`${pool.ready.web}${path}`);

  async function healthOf(path: string): Promise<v.InferOutput<typeof health>> {
    return v.parse(health, await (await ask(path)).json());
  }

  /** Connections on the administrators' page of miners. */
  async function sessionsShown(): Promise<number | undefined> {
    const login = await fetch(`${pool.ready.web}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(pool.ready.adminUser),
    });
    const cookie = login.headers.getSetCookie().map((one) => one.split(";")[0]);
    const reply = await fetch(`${pool.ready.web}/api/admin/miners`, {
      headers: { cookie: cookie.join("; ") },
    });
    return v.parse(VIEWS.Miners, await reply.json()).sessions?.length;
  }

  /** Asks as grace, the owner of the shares. */
  async function askAsGrace(): Promise<(path: string) => Promise<unknown>> {
    const login = await fetch(`${pool.ready.web}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "grace", password: "a-password" }),
    });
    const cookie = login.headers.getSetCookie().map((one) => one.split(";")[0]);
    return async (path) =>
      (await fetch(`${pool.ready.web}${path}`, { headers: { cookie: cookie.join("; ") } })).json();
  }

  async function metric(name: string): Promise<number> {
    const text = await (await ask("/metrics")).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  }

  /** What runs of the edges' program. */
  function edgePids(): number[] {
    return descendantsOf(pool.running.process.pid ?? 0).filter((pid) =>
      commandOf(pid).includes("edge-process"),
    );
  }

  /** Grace's shares in the books are those she was promised, and at most those more whose fate cannot be known. */
  async function expectCreditedOnce(): Promise<void> {
    const promised = grace.acknowledged.length;
    const books = await until(
      `grace's ${promised} shares in the books`,
      async () => {
        const current = await audit(dataDir);
        return (current.users["grace"]?.accepted ?? 0) >= promised && current;
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    expect(books.users["grace"]?.accepted).toBeLessThanOrEqual(
      promised + grace.unknown.length + grace.unanswered.length,
    );
  }

  it("takes miners in all of them at one port, and answers for them with one log, one health and one set of metrics", async () => {
    pool = await Pool.start({ ...flags, processes: PROCESSES });
    clients = [await connected(pool.ready.inviteCode)];
    // In turn, but for processes that are busy at that moment.
    while (!haveEnough()) clients.push(await connected());

    expect(edgePids()).toHaveLength(PROCESSES);
    await until("health", async () => (await ask("/healthz")).status === 200);
    expect((await healthOf("/livez")).checks).toMatchObject({ listener: "ok", processes: "ok" });
    expect((await healthOf("/readyz")).ok).toBe(true);
    expect(await metric("prosper_connections")).toBe(clients.length);
    expect(await metric("prosper_lease_held")).toBe(1);
    expect(await metric("prosper_job_height")).toBeLessThan(2_000);
    expect(await sessionsShown()).toBe(clients.length);
    expect(await (await ask("/api/connect/ABCDEFGHIJKLMNOP?seconds=60")).json()).toMatchObject({
      watched: true,
    });
    const log = readFileSync(join(dataDir, "prosper.log"), "utf8").trim().split("\n");
    const told = log.map(
      (line) => v.parse(v.object({ process: v.optional(v.number()) }), JSON.parse(line)).process,
    );
    expect(new Set(told)).toEqual(new Set([1, 2, 3, undefined]));
  });

  it("takes what a miner found before it lost its connection, though it comes back to another process", async () => {
    const [before] = clients.splice(0, 1);
    const after = clients.find((client) => before !== undefined && slotOf(client) !== slotOf(before));
    if (before === undefined || after === undefined) throw new Error("there are miners in three processes");
    const job = await until("a job", () => before.job);
    const share = await until(
      "a share",
      async () => {
        const nonces = Array.from(
          { length: 4096 },
          (_, i) => `${before.prefix}${(tried + i).toString(16).padStart(8, "0")}`,
        );
        tried += nonces.length;
        const hashes = await hasher.hash(nonces.map((nonce) => job.oprHash + nonce));
        const found = hashes.findIndex((hash) => BigInt(`0x${hash.slice(0, 16)}`) >= before.target);
        const target = hashes[found]?.slice(0, 16) ?? "";
        return found >= 0 && { jobId: job.id, oprHash: job.oprHash, nonce: nonces[found] ?? "", target };
      },
      { everyMs: 1 },
    );
    before.close();

    const answer = await after.submit("grace", share);
    const again = await after.submit("grace", share);

    expect(answer).toMatchObject({ result: true });
    expect(again).toMatchObject({ result: false, error: { message: "ErrorDuplicateShare" } });
    grace.acknowledged.push(share);
    const stranger = await StratumClient.connect(pool.ready.stratum);
    expect(await stranger.login("local")).toMatchObject({ result: true });
    expect(await stranger.submit("local", share)).toMatchObject({
      result: false,
      error: { message: "ErrorWrongPrefix" },
    });
    stranger.close();
    while (!haveEnough()) clients.push(await connected());
  });

  it("tells the story of a refused share whichever process refused it, and counts them all", async () => {
    const job = await until("a job", () => clients[0]?.job);
    const ofEach = new Map(clients.map((client) => [slotOf(client), client]));
    const nonces = [...ofEach.values()].map((client) => `${client.prefix}0123456789`);
    for (const [i, client] of [...ofEach.values()].entries()) {
      const share = {
        jobId: job.id,
        oprHash: job.oprHash,
        nonce: nonces[i] ?? "",
        target: "0000000000000001",
      };
      expect(await client.submit("grace", share)).toMatchObject({ result: false });
    }
    const get = await askAsGrace();
    for (const nonce of nonces) {
      const { stories, refusedKnown } = v.parse(VIEWS.Stories, await get(`/api/me/story/${nonce}`));
      expect(stories).toMatchObject([{ kind: "refused", of: { user: "grace" } }]);
      expect(stories[0]?.steps.map((one) => one.step)).toEqual(["received", "judged"]);
      expect(refusedKnown).toBe(true);
    }
    const counted = async (): Promise<number> => {
      const { reasons } = v.parse(VIEWS.Refused, await get("/api/me/refused"));
      return Number(reasons.find(({ reason }) => reason === "low-difficulty")?.shares ?? 0);
    };
    // Each process writes its counts twice a minute.
    await until("all counts", async () => (await counted()) === PROCESSES, {
      withinMs: 60_000,
      everyMs: 500,
    });
  });

  it("credits every acknowledged share once when one is killed, which the others outlive and which is started again", async () => {
    let isOver = false;
    const mining = clients.map((client) => grace.mine(client, () => isOver));
    await until("acknowledged shares", () => grace.acknowledged.length >= 60);
    const [, killed = 0] = edgePids();

    process.kill(killed, "SIGKILL");

    const lost = await until("miners without a connection", () => {
      const closed = clients.filter((client) => client.closed);
      return closed.length >= EACH && closed;
    });
    expect(new Set(lost.map(slotOf)).size).toBe(1);
    const fallen = await until("a word of it", async () => {
      const told = await healthOf("/healthz");
      return !told.ok && told.checks["processes"] !== "ok" && told;
    });
    expect(fallen.checks["processes"]).toMatch(/^process \d: it is being started$/);
    // Others take miners, and a restart of all would only cost those theirs.
    expect((await healthOf("/livez")).ok).toBe(true);
    expect((await healthOf("/readyz")).ok).toBe(true);
    await until("the process's return", async () => (await ask("/healthz")).status === 200);
    expect(edgePids()).toHaveLength(PROCESSES);
    expect(edgePids()).not.toContain(killed);
    const back = await Promise.all(lost.map(() => connected()));
    // Whichever process they came back to: the one that died is asked, and knows from its journal what it had taken.
    await grace.settle(back[0] ?? (await connected()));
    expect(grace.unanswered).toEqual([]);
    const more = back.map((client) => grace.mine(client, () => isOver));
    const enough = grace.acknowledged.length + 60;
    await until("more shares", () => grace.acknowledged.length >= enough);
    isOver = true;
    await Promise.all([...mining, ...more]);
    clients = [...clients.filter((client) => !client.closed), ...back];
    await Promise.all(clients.map((client) => client.call("mining.get_oprhash", ["1"])));
    expect(pool.running.stderr()).toMatch(
      /^error: an edge process ended: it is started again \(process: \d,/m,
    );
    await expectCreditedOnce();
  });

  it("loses nothing when all are killed in the middle of a block and only one is started again", async () => {
    const before = grace.acknowledged.length;
    const mining = clients.map((client) => grace.mine(client, () => false));
    await until("acknowledged shares", () => grace.acknowledged.length >= before + 60);
    const pids = edgePids();
    await pool.kill("SIGKILL");
    await Promise.all(mining);
    await until("the end of its processes", () => pids.every((pid) => !isAlive(pid)));
    expect(existsSync(join(dataDir, "edge", "process-2"))).toBe(true);
    expect(existsSync(join(dataDir, "edge", "process-3"))).toBe(true);

    pool = await Pool.start(flags);

    await expectCreditedOnce();
    await until("the end of what they left", () => !existsSync(join(dataDir, "edge", "process-3")));
    expect(existsSync(join(dataDir, "edge", "process-2"))).toBe(false);
    const last = Number(grace.acknowledged.at(-1)?.jobId);
    // Not by the deadline of 30 s, which is an alarm: their close markers are there.
    await until("the seal of that block", () => pool.blocks().some(({ height }) => height >= last));
    expect(pool.running.stderr()).not.toMatch(/deadline/);
    await pool.kill("SIGINT");
  });

  it("ends with all its processes on Ctrl-C, which a terminal sends to each of them", async () => {
    pool = await Pool.start({ ...flags, processes: PROCESSES });
    const client = await connected();
    await until("a job", () => client.job !== undefined);
    const enough = grace.acknowledged.length + 20;
    const mining = grace.mine(client, () => false);
    await until("acknowledged shares", () => grace.acknowledged.length >= enough);
    const below = descendantsOf(pool.running.process.pid ?? 0);
    for (const pid of edgePids()) process.kill(pid, "SIGINT");

    const { code } = await pool.kill("SIGINT");
    await mining;

    expect(code).toBe(0);
    expect(below.filter(isAlive)).toEqual([]);
    expect(postgresPid(dataDir)).toBeUndefined();
    pool = await Pool.start(flags);
    await expectCreditedOnce();
    await pool.kill("SIGINT");
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
