/** The miner's HTTP interface: what it shows, and who may change what. */

import { afterEach, describe, expect, it } from "vitest";
import { type MinerHttp, serveMinerHttp } from "../../../../infra/cli/network/miner-http.ts";
import type { MinerFacts } from "../../../../infra/cli/network/xmrig-views.ts";
import { minerStats } from "../../../support/miner-stats.ts";

let served: MinerHttp | undefined;
afterEach(() => served?.close());

const calls: string[] = [];
async function start(token?: string, facts: Partial<MinerFacts> = {}): Promise<string> {
  calls.length = 0;
  const shown: MinerFacts = {
    ...{ version: "1.2.3", uptimeMs: 70_000, stats: minerStats(), tableBits: 10, account: undefined },
    restricted: token === undefined,
    ...facts,
  };
  served = await serveMinerHttp(
    { host: "127.0.0.1", port: 0, token },
    {
      facts: () => shown,
      miner: {
        pause: () => void calls.push("pause"),
        resume: () => void calls.push("resume"),
        stop: async () => void calls.push("stop"),
      },
    },
  );
  return `http://127.0.0.1:${served.port}`;
}

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

const order = (method: unknown, token?: string): RequestInit => ({
  method: "POST",
  body: JSON.stringify({ jsonrpc: "2.0", id: 7, method }),
  headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
});

describe("the miner's HTTP interface", () => {
  it("shows the figures in the shape of xmrig's", async () => {
    const url = await start();
    const { status, body } = await ask(`${url}/2/summary`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ worker_id: "rig", uptime: 70, restricted: true, algo: "lxrhash", kind: "miner", paused: false },
      results: {
        ...{ diff_current: 65_536, shares_good: 3, shares_total: 5, hashes_total: 196_608 },
        ...{ avg_time: 23, avg_time_ms: 23_333, best: [1_048_576, 65_536, 0, 0, 0, 0, 0, 0, 0, 0] },
      },
      connection: {
        ...{ pool: "pool.example.com:1234", ip: "pool.example.com", uptime: 60, uptime_ms: 60_000 },
        ...{ ping: 12, failures: 1, tls: "TLS", diff: 65_536, accepted: 3, rejected: 2 },
      },
      // Of a quarter of an hour there is none yet.
      hashrate: { total: [3000, 2000, null], highest: 3500 },
      hugepages: [0, 0],
    });
    expect((await ask(`${url}/1/summary`)).body).toMatchObject({
      hashrate: {
        threads: [
          [1000, 900, null],
          [2000, 1100, null],
        ],
      },
    });
    expect((await ask(`${url}/2/backends`)).body).toMatchObject([
      { type: "cpu", enabled: true, threads: [{ hashrate: [1000, 900, null] }, {}] },
    ]);
  });

  it("shows no difficulty before the pool has told one", async () => {
    const url = await start(undefined, {
      stats: { ...minerStats(), authorized: false, loggedInMs: undefined },
    });

    expect((await ask(`${url}/2/summary`)).body).toMatchObject({
      ...{ results: { diff_current: 0 }, connection: { diff: 0, uptime: 0 } },
    });
  });

  it("lets nobody change anything where it has no token, also who sends one", async () => {
    const url = await start();

    expect(await ask(`${url}/json_rpc`, order("pause", "guess"))).toMatchObject({ status: 403 });
    expect(await ask(`${url}/2/summary`, { headers: { authorization: "Bearer None" } })).toMatchObject({
      status: 200,
    });
    expect(calls).toEqual([]);
  });

  it("with a token answers only who has it, who pauses, resumes and stops the miner", async () => {
    const url = await start("secret");

    expect(await ask(`${url}/2/summary`)).toMatchObject({ status: 401 });
    expect(await ask(`${url}/json_rpc`, order("pause", "other"))).toMatchObject({ status: 401 });
    for (const method of ["pause", "resume", "stop"])
      expect(await ask(`${url}/json_rpc`, order(method, "secret"))).toEqual({
        ...{ status: 200, body: { id: 7, jsonrpc: "2.0", result: { status: "OK" } } },
      });
    await expect.poll(() => calls).toEqual(["pause", "resume", "stop"]);
  });

  it.each([
    ["/", {}, 404, "there are /1/summary"],
    ["/2/summary", { method: "PUT" }, 405, "expected GET"],
    ["/json_rpc", order("restart", "secret"), 400, "expected {"],
    ["/json_rpc", { ...order("x".repeat(5_000), "secret") }, 413, "at most 4096 bytes"],
  ])("says of %s what was expected", async (path, init: RequestInit, status, error) => {
    const url = await start("secret");
    const headers = { authorization: "Bearer secret" };

    expect(await ask(`${url}${path}`, { ...init, headers })).toMatchObject({
      ...{ status, body: { error: expect.stringContaining(error) } },
    });
  });

  it("says so where its port is taken", async () => {
    const taken = Number(new URL(await start()).port);
    const facts = (): never => expect.unreachable();
    const miner = { pause: facts, resume: facts, stop: facts };

    await expect(
      serveMinerHttp({ host: "127.0.0.1", port: taken, token: undefined }, { facts, miner }),
    ).rejects.toThrow(/--http: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*Choose another port/);
  });
});
