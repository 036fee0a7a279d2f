/** Jobs, logins and what is counted by the stratum server, over in-memory streams and a clock moved by hand. */

import { describe, expect, it } from "vitest";
import { call, HASH_A, HASH_B, methods, share, startHarness } from "../../support/stratum/harness.ts";
import { untilTrue } from "../../support/until.ts";

const SECOND = 1_000;

describe("jobs", () => {
  it("are announced to subscribed sessions only, once each", async () => {
    const { backend, connect, miner, server } = startHarness();
    const stranger = connect();
    const client = await miner();
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0n };

    server.jobChanged();
    server.jobChanged();
    await Promise.all([client.fence(), stranger.fence()]);

    expect(client.take().map((line) => line.replace(/"id":\d+/, '"id":0'))).toEqual([
      `{"id":0,"method":"mining.notify","params":["1001","${HASH_B}",""]}\n`,
    ]);
    expect(stranger.lines).toEqual([]);
  });

  it("never go back to an older height", async () => {
    const { backend, miner, server } = startHarness();
    const client = await miner();
    backend.job = { height: 999, oprHash: HASH_B, threshold: 0n };

    server.jobChanged();
    await client.fence();

    expect(client.lines).toEqual([]);
  });

  it("stop when there is none, and the same job goes on under a new prefix", async () => {
    const { backend, miner, server } = startHarness();
    const client = await miner();
    const job = backend.job;
    backend.job = undefined;
    server.jobChanged();
    server.jobChanged();
    await client.fence();
    expect(methods(client.take())).toEqual(["mining.stop_mining"]);

    backend.job = job === undefined ? undefined : { ...job, freshFrom: 3 };
    server.jobChanged();
    server.jobChanged();
    await client.fence();

    expect(methods(client.take())).toEqual(["mining.set_nonce", "mining.notify"]);
    expect(backend.granted.map(({ prefix, target }) => [prefix, target])).toEqual([
      [2, 0xffff_0000_0000_0000n],
      [3, 0xffff_0000_0000_0000n],
    ]);
    expect(backend.released).toEqual([2]);
  });

  it("that go on after a stop wait for a session's new prefix, however often it must be asked for", async () => {
    const { backend, clock, miner, server } = startHarness();
    const client = await miner();
    const { job } = backend;
    if (job === undefined) throw new Error("there is a job");
    backend.job = undefined;
    server.jobChanged();
    backend.prefixesLeft = 0;
    backend.job = { ...job, freshFrom: 3 };
    server.jobChanged();
    await client.fence();
    expect(methods(client.take())).toEqual(["mining.stop_mining"]);

    backend.prefixesLeft = 1;
    clock.advance(SECOND);
    await client.fence();

    expect(methods(client.take())).toEqual(["mining.set_nonce", "mining.notify"]);
  });

  it("that go on while a login is judged leave the login its new prefix", async () => {
    const { backend, connect, server } = startHarness();
    const client = connect();
    client.send(call(1, "mining.subscribe", "x"));
    await client.fence();
    const { job } = backend;
    if (job === undefined) throw new Error("there is a job");
    backend.job = undefined;
    server.jobChanged();
    const grants: (() => void)[] = [];
    const grant = backend.grantPrefix.bind(backend);
    backend.grantPrefix = (request) => new Promise((resolve) => grants.push(() => resolve(grant(request))));
    backend.job = { ...job, freshFrom: 3 };
    server.jobChanged();
    client.send(call(2, "mining.authorize", "user,rig"));
    await untilTrue(() => grants.length === 1 && backend.logins.length === 1);
    await turn();
    grants[0]?.();
    await client.until(() => client.lines.some((line) => line.includes('"id":2,"result":true')));

    expect(backend.claimed).toEqual([{ prefix: 3, holder: { user: "user", worker: "rig" } }]);
  });

  it("of another height after a stop are mined with the prefix held before", async () => {
    const { backend, miner, server } = startHarness();
    const client = await miner();
    backend.job = undefined;
    server.jobChanged();
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0n };
    server.jobChanged();
    await client.fence();

    expect(methods(client.take())).toEqual(["mining.stop_mining", "mining.notify"]);
    expect(backend.granted).toHaveLength(1);
  });

  it("with a threshold below the target bring another prefix with that target", async () => {
    const { backend, miner, server } = startHarness();
    const client = await miner();
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0xff00_0000_0000_0000n };

    server.jobChanged();
    await client.fence();

    // Easier: the new prefix first, so that nothing below the old one's target is sent under it.
    expect(methods(client.lines)).toEqual(["mining.notify", "mining.set_nonce", "mining.set_target"]);
    expect(client.lines[2]).toContain('"mining.set_target","params":["ff00000000000000"]');
  });

  it("a first target is the threshold where that is lower", async () => {
    const { backend, connect } = startHarness();
    backend.job = { height: 1000, oprHash: HASH_A, threshold: 0x8000_0000_0000_0000n };
    const client = connect();

    client.send(call(1, "mining.subscribe", "x"));
    await client.fence();

    expect(client.lines[1]).toContain('"params":["8000000000000000"]');
  });
});

describe("a subscribe", () => {
  it("stops a Go miner that may still hash with its old target before it learns its new prefix", async () => {
    const { connect } = startHarness();
    const [go, other] = [connect(), connect()];
    go.send(call(1, "mining.subscribe", "prosper/1.2"));
    other.send(call(1, "mining.subscribe", "prosper-ts/0.1"));
    await Promise.all([go.fence(), other.fence()]);
    go.send(call(2, "mining.subscribe", "prosper/1.2"));
    await go.fence();

    expect(methods(go.lines.slice(0, 1))).toEqual(["mining.stop_mining"]);
    expect(methods(go.lines)).toEqual([
      "mining.stop_mining",
      "mining.set_target",
      "mining.notify",
      "mining.set_target",
    ]);
    expect(methods(other.lines)).toEqual(["mining.set_target", "mining.notify"]);
  });
});

describe("logins", () => {
  it("close the connection without an answer where no verdict can be had", async () => {
    const { backend, connect, ends } = startHarness();
    backend.login = async () => ({ kind: "unavailable" });
    const client = connect();

    client.send(call(1, "mining.authorize", "user,rig"));
    await client.until(() => client.closed);

    expect(client.lines).toEqual([]);
    expect(ends).toEqual(["no-verdict"]);
  });

  it("count a rejection of the backend as no verdict", async () => {
    const { backend, connect, ends } = startHarness();
    backend.login = () => Promise.reject(new Error("the database is away"));
    const client = connect();

    client.send(call(1, "mining.authorize", "user,rig"));
    await client.until(() => client.closed);

    expect(client.lines).toEqual([]);
    expect(ends).toEqual(["no-verdict"]);
  });

  it("hold back the lines behind them until they are answered", async () => {
    const { backend, connect } = startHarness();
    let answer = (): void => undefined;
    backend.login = () =>
      new Promise((resolve) => {
        answer = () => resolve({ kind: "ok", registered: false });
      });
    const client = connect();
    client.send(call(1, "mining.subscribe", "x"));
    await client.fence();
    client.take();

    client.send(call(2, "mining.authorize", "user,rig") + share(3));
    await untilTrue(() => backend.logins.length === 1);
    expect(backend.shares).toEqual([]);
    answer();
    await client.fence();

    expect(client.lines[0]).toBe('{"id":2,"result":true}\n');
    expect(client.lines.at(-1)).toBe('{"id":3,"result":true}\n');
  });

  it("pass on every parameter, with the address and the agent", async () => {
    const { backend, connect } = startHarness();
    const client = connect("10.1.2.3");

    client.send(
      call(1, "mining.subscribe", "prosper/9") + call(2, "mining.authorize", "u,w", "pw", "code", "FA1"),
    );
    await client.fence();

    expect(backend.logins).toEqual([
      {
        user: "u",
        worker: "w",
        password: "pw",
        invite: "code",
        payoutAddress: "FA1",
        remoteAddress: "10.1.2.3",
        agent: "prosper/9",
      },
    ]);
  });

  it("refuse another user on the same connection and end the one before [G2]", async () => {
    const { backend, miner } = startHarness();
    const client = await miner("user,rig");

    client.send(call(3, "mining.authorize", "other,rig") + share(4));
    await client.fence();

    expect(client.lines[0]).toContain('"result":false');
    expect(client.lines[1]).toContain("username not as expected");
    expect(backend.shares).toEqual([]);
  });

  it.each(["\u0000", "a b", "ü", "\ud800", "a\u007f", "x".repeat(255)])(
    "refuse the user name %j",
    async (name) => {
      const { backend, connect } = startHarness();
      const client = connect();

      client.send(call(1, "mining.authorize", `${name},rig`));
      await client.fence();

      expect(client.lines[0]).toContain('"result":false');
      expect(backend.logins).toEqual([]);
    },
  );
});

describe("a request", () => {
  it("is answered under its own id, be it text or a large number, and one of neither under 0", async () => {
    const { connect } = startHarness();
    const client = connect();
    for (const id of ['"a-b"', '"<\\u2028"', "9007199254740991", `"${"x".repeat(65)}"`, "1.5"])
      client.send(`{"id":${id},"method":"mining.get_oprhash","params":["1000"]}\n`);
    await client.fence();

    expect(client.lines.map((line) => line.slice(0, line.indexOf(",")))).toEqual([
      '{"id":"a-b"',
      '{"id":"\\u003c\\u2028"',
      '{"id":9007199254740991',
      '{"id":0',
      '{"id":0',
    ]);
  });

  it.each(["[]", "null", "{}", "[1]", '"a"'])(
    "of a method that nobody knows is 32601 with the params %s",
    async (params) => {
      const { connect } = startHarness();
      const client = connect();
      client.send(`{"id":1,"method":"mining.nothing","params":${params}}\n`);
      client.send(`{"id":2,"method":"mining.nothing"}\n`);
      await client.fence();

      expect(client.lines.map((line) => line.includes('"code":32601'))).toEqual([true, true]);
    },
  );
});

describe("closing", () => {
  it("takes no more connections and spreads the closes over the time given [G19]", async () => {
    const { clock, connect, ends, miner, server } = startHarness();
    const clients = await Promise.all(Array.from({ length: 20 }, () => miner()));

    const closed = server.close(10 * SECOND);
    connect();
    expect(ends[0]).toBe("shutdown");
    clock.advance(5 * SECOND);
    const half = ends.length - 1;
    expect(half).toBeGreaterThan(2);
    expect(half).toBeLessThan(18);
    clock.advance(5 * SECOND);
    await closed;

    expect(ends).toHaveLength(21);
    await Promise.all(clients.map((client) => client.until(() => client.closed)));
    clock.advance(10 * SECOND);
    expect(clock.pending()).toBe(0);
  });
});

describe("what is counted", () => {
  it("tells lines, logins, shares and notifies by name", async () => {
    const counted: string[] = [];
    const count =
      (name: string) =>
      (what: unknown): void =>
        void counted.push(`${name} ${what}`);
    const { backend, miner, server } = startHarness(
      {},
      {
        lineRefused: count("line"),
        loginAnswered: count("login"),
        shareAccepted: () => count("share")("accepted"),
        shareRefused: count("share"),
        notified: count("notified"),
      },
    );
    const client = await miner();
    client.take();
    counted.length = 0;

    client.send(`{\n${call(3, "nope")}${share(4)}${call(5, "mining.authorize", "other,rig")}`);
    await client.fence();
    backend.verdict = async () => ({ kind: "refused", code: "stale", reason: "late" });
    client.send(call(6, "mining.authorize", "user,rig") + share(7));
    await client.fence();
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0n };
    server.jobChanged();

    expect(counted.filter((name) => !name.includes("InvalidParams"))).toEqual([
      "line ErrorParseError",
      "line ErrorMethodNotFound",
      "share accepted",
      "login refused",
      "login ok",
      "share stale",
      "notified 1",
    ]);
  });

  it("tells connections, miners and workers", async () => {
    const { connect, miner, server } = startHarness();
    connect();
    await miner("a,1");
    await miner("a,1");
    await miner("a,2");

    expect(server.stats()).toEqual({ connections: 4, miners: 3, workers: 2 });
  });
});

/** One turn of the event loop, for streams to hand over their data. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
