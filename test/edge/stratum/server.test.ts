/** Sessions, jobs and every limit of the stratum server, over in-memory streams and a clock moved by hand. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  call,
  HASH_A,
  HASH_B,
  methods,
  type ScriptedVerdict,
  share,
  startHarness,
} from "../../support/stratum/harness.ts";
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

describe("shares", () => {
  it("carry the time of the moment their line was read", async () => {
    const { backend, clock, miner } = startHarness();
    const client = await miner();
    clock.advance(1_234);
    const readAtMs = clock.monotonicMs();

    client.send(share(5));
    await client.fence();

    expect(backend.shares[0]?.readAtMs).toBe(readAtMs);
  });

  it("are answered in order, however long each takes", async () => {
    const { backend, miner } = startHarness();
    const client = await miner();
    const answers: ((verdict: ScriptedVerdict) => void)[] = [];
    backend.verdict = () => new Promise((resolve) => answers.push(resolve));

    client.send(share(5) + share(6));
    await untilTrue(() => answers.length === 2);
    answers[1]?.({ kind: "accepted" });
    answers[0]?.({ kind: "refused", code: "busy", reason: "full" });
    await client.fence();

    expect(client.lines).toEqual([
      '{"id":5,"result":false,"error":{"code":32028,"message":"ErrorBusy","data":"full"}}\n',
      '{"id":6,"result":true}\n',
    ]);
  });

  it("that wait for the disk hold back no mining.ping: a miner hears at once that the pool is there", async () => {
    const { backend, miner } = startHarness();
    const client = await miner();
    let answer: (verdict: ScriptedVerdict) => void = () => undefined;
    backend.verdict = () =>
      new Promise((resolve) => {
        answer = resolve;
      });

    client.send(share(5) + call(6, "mining.ping"));
    await client.until(() => client.lines.length > 0);
    const before = [...client.lines];
    answer({ kind: "accepted" });
    await client.fence();

    expect(before).toEqual(['{"id":6,"result":true}\n']);
    expect(client.lines).toEqual([...before, '{"id":5,"result":true}\n']);
  });

  it("without a verdict close the connection without an answer", async () => {
    const { backend, ends, miner } = startHarness();
    const client = await miner();
    backend.verdict = async () => ({ kind: "unavailable" });

    client.send(share(5));
    await client.until(() => client.closed);

    expect(client.lines).toEqual([]);
    expect(ends).toEqual(["no-verdict"]);
  });

  it("beyond the open requests allowed stay unread", async () => {
    const { backend, miner } = startHarness({ maxInFlight: 3 });
    const client = await miner();
    const answers: (() => void)[] = [];
    backend.verdict = () => new Promise((resolve) => answers.push(() => resolve({ kind: "accepted" })));

    client.send([5, 6, 7, 8].map((id) => share(id)).join(""));
    await untilTrue(() => answers.length === 3);
    expect(backend.shares).toHaveLength(3);
    answers[0]?.();
    await untilTrue(() => backend.shares.length === 4);
    for (const answer of answers) answer();
    await client.fence();

    expect(client.lines).toHaveLength(4);
  });

  it("release the prefix when the session ends, logged in or not", async () => {
    const { backend, connect, miner } = startHarness();
    const client = await miner("user,rig");
    const stranger = connect();
    stranger.send(call(1, "mining.subscribe", "x"));
    await stranger.fence();

    await client.close();
    await stranger.close();

    expect(backend.claimed).toEqual([{ prefix: 2, holder: { user: "user", worker: "rig" } }]);
    expect(backend.released).toEqual([2, 3]);
  });

  it("of another worker on the same connection are found under a prefix of its own", async () => {
    const { backend, miner } = startHarness();
    const client = await miner("user,rig");

    client.send(call(3, "mining.authorize", "user,rig") + call(4, "mining.authorize", "user,other"));
    await client.fence();

    expect(methods(client.lines)).toEqual(["client.show_message", "client.show_message", "mining.set_nonce"]);
    expect(backend.granted.map(({ holder }) => holder)).toEqual([
      undefined,
      { user: "user", worker: "other" },
    ]);
    expect(backend.released).toEqual([2]);
  });

  it("find no prefix: the connection is closed", async () => {
    const { backend, connect, ends } = startHarness();
    backend.prefixesLeft = 0;
    const client = connect();

    client.send(call(1, "mining.subscribe", "x"));
    await client.until(() => client.closed);

    expect(ends).toEqual(["no-prefix"]);
  });
});

describe("vardiff on a session", () => {
  it("raises the target of a fast miner at once and says so", async () => {
    const { backend, clock, miner } = startHarness();
    const client = await miner();
    for (let id = 10; id < 31; id++) {
      clock.advance(100);
      client.send(share(id));
    }

    await client.fence();

    // Harder: the target first.
    expect(methods(client.lines)).toEqual(["mining.set_target", "mining.set_nonce"]);
    expect(backend.granted.map(({ holder, measured }) => ({ holder, measured }))).toEqual([
      { holder: undefined, measured: undefined },
      { holder: { user: "user", worker: "rig" }, measured: { address: "10.0.0.1", trusted: false } },
    ]);
    expect(backend.released).toEqual([2]);
  });

  it("takes refused shares that reached the target for evidence too, so that refusals slow a flood down", async () => {
    const { backend, clock, miner } = startHarness();
    const client = await miner();
    backend.verdict = async () => ({
      kind: "refused",
      code: "busy",
      reason: "",
      hit: 0xffff_0000_0000_0000n,
    });
    for (let id = 10; id < 35; id++) {
      clock.advance(300);
      client.send(share(id));
      await client.fence();
    }

    expect(methods(client.lines)).toContain("mining.set_nonce");
    // Nothing was accepted: it is not remembered as the worker's own.
    expect(backend.granted.at(-1)?.measured).toBeUndefined();
  });

  it("retargets at most once in 15 s and 16 times a job at 10-minute blocks, whatever is wished for", async () => {
    const { backend, clock, miner, server } = startHarness();
    const client = await miner();
    const wish = async (n: number): Promise<void> => {
      client.send(call(100 + n, "mining.suggest_target", n % 2 ? "fffff00000000000" : "fffff80000000000"));
      clock.advance(SECOND);
      await client.fence();
    };
    for (let n = 0; n < 30; n++) await wish(n);
    const soon = backend.granted.length - 1;
    for (let n = 30; n < 400; n++) await wish(n);
    const inJob = backend.granted.length - 1;
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0n };
    server.jobChanged();
    await wish(400);

    expect(soon).toBeLessThanOrEqual(3);
    expect(inJob).toBe(16);
    expect(backend.granted.length - 1).toBe(17);
  });

  it("keeps its target while prefixes are scarce", async () => {
    const { backend, clock, miner } = startHarness();
    const client = await miner();
    backend.scarce = true;
    client.send(call(3, "mining.suggest_target", "fffff00000000000"));
    clock.advance(60 * SECOND);
    await client.fence();

    expect(backend.granted).toHaveLength(1);
  });

  it("tells one address 2,048 prefixes a job, then closes its new connections and keeps the targets of the others", async () => {
    const { backend, clock, connect, ends, miner, server } = startHarness({ maxPrefixesPerAddress: 3 });
    const clients = [await miner(), await miner(), await miner()];
    const fourth = connect();
    fourth.send(call(1, "mining.subscribe", "x"));
    await fourth.until(() => fourth.closed);
    clients[0]?.send(call(3, "mining.suggest_target", "fffff00000000000"));
    clock.advance(60 * SECOND);
    await clients[0]?.fence();
    const elsewhere = await miner("user,rig", "10.0.0.2");
    backend.job = { height: 1001, oprHash: HASH_B, threshold: 0n };
    server.jobChanged();
    const later = await miner();

    expect(ends).toEqual(["no-prefix"]);
    expect(backend.granted).toHaveLength(6);
    expect([elsewhere.closed, later.closed]).toEqual([false, false]);
  });

  it("begins a worker known here at its last target, with a second prefix after the login", async () => {
    const { backend, connect } = startHarness();
    backend.remembered = 0xffff_ff00_0000_0000n;
    const client = connect();
    client.send(call(1, "mining.subscribe", "x") + call(2, "mining.authorize", "user,rig"));
    await client.fence();

    expect(methods(client.lines)).toEqual([
      "mining.set_target",
      "mining.notify",
      "client.show_message",
      "mining.set_target",
      "mining.set_nonce",
    ]);
    expect(backend.granted.map(({ target }) => target)).toEqual([
      0xffff_0000_0000_0000n,
      0xffff_ff00_0000_0000n,
    ]);
  });

  it("remembers a target that 20 accepted shares bore out, and no wish", async () => {
    const { backend, clock, miner } = startHarness();
    const [steady, wisher] = [await miner("user,a"), await miner("user,b")];
    wisher.send(call(3, "mining.suggest_target", "ffff000000000000"));
    for (let n = 0; n < 24; n++) {
      clock.advance(10 * SECOND);
      steady.send(share(100 + n));
      wisher.send(share(200 + n));
      await Promise.all([steady.fence(), wisher.fence()]);
    }

    expect(backend.measured).toEqual([{ prefix: 2, where: { address: "10.0.0.1", trusted: false } }]);
  });

  it("does not take the silence without a job for slowness", async () => {
    const { backend, clock, miner, server } = startHarness();
    const client = await miner();
    const job = backend.job;
    backend.job = undefined;
    for (let step = 0; step < 60; step++) {
      clock.advance(10 * SECOND);
      await turn();
    }
    backend.job = job;
    clock.advance(60 * SECOND);
    await client.fence();

    const [session] = server.sessions();
    expect(session?.target).toBe(0xffff_0000_0000_0000n);
  });

  it("follows a wish inside the bounds", async () => {
    const { backend, clock, miner } = startHarness();
    const client = await miner();
    clock.advance(SECOND);

    client.send(call(3, "mining.suggest_target", "ffffff0000000000"));
    await client.fence();

    expect(client.take()[0]).toContain('"params":["ffffff0000000000"]');
    backend.job = { height: 1000, oprHash: HASH_A, threshold: 0xffff_8000_0000_0000n };
    clock.advance(15 * SECOND);
    await client.fence();
    expect(client.take()[1]).toContain('"params":["ffff800000000000"]');
  });
});

describe("deadlines", () => {
  it("give a begun line 15 s [G15]", async () => {
    const { clock, ends, miner } = startHarness();
    const client = await miner();
    client.send('{"id":1');
    await turn();
    clock.advance(14 * SECOND);
    client.send(",");
    await turn();
    expect(ends).toEqual([]);

    clock.advance(2 * SECOND);
    await client.until(() => client.closed);

    expect(ends).toEqual(["line-deadline"]);
  });

  it("give a login 20 s from the connection", async () => {
    const { clock, connect, ends } = startHarness();
    const client = connect();
    client.send(call(1, "mining.subscribe", "x"));
    await client.fence();
    clock.advance(19 * SECOND);
    expect(ends).toEqual([]);

    clock.advance(2 * SECOND);
    await client.until(() => client.closed);

    expect(ends).toEqual(["authorize-deadline"]);
  });

  it("give the answer to a later login 20 s as well", async () => {
    const { backend, clock, ends, miner } = startHarness();
    const client = await miner();
    backend.login = () => new Promise(() => undefined);
    client.send(call(3, "mining.authorize", "user,rig"));
    await untilTrue(() => backend.logins.length === 2);

    clock.advance(21 * SECOND);
    await client.until(() => client.closed);

    expect(ends).toEqual(["no-verdict"]);
  });

  it("give a silent client 600 s, and keep it while there is no job", async () => {
    const { backend, clock, ends, miner } = startHarness();
    const client = await miner();
    const job = backend.job;
    backend.job = undefined;
    for (let step = 0; step < 45; step++) {
      clock.advance(20 * SECOND);
      await turn();
    }
    backend.job = job;
    for (let step = 0; step < 29; step++) {
      clock.advance(20 * SECOND);
      await turn();
    }
    expect(ends).toEqual([]);
    clock.advance(30 * SECOND);
    await client.until(() => client.closed);

    expect(ends).toEqual(["idle"]);
  });

  it("are not put off by blank lines, and are by any other", async () => {
    const { clock, ends, miner } = startHarness();
    const [blank, answering] = [await miner(), await miner()];
    for (let step = 0; step < 31; step++) {
      blank.send(" \r\n\n\t\n");
      answering.send('{"id":1,"result":"prosper/test"}\n');
      await turn();
      clock.advance(20 * SECOND);
      await turn();
    }
    await blank.until(() => blank.closed);
    await answering.fence();

    expect(answering.closed).toBe(false);
    expect(ends).toEqual(["idle"]);
    expect(blank.lines.at(-1)).toContain("no line was heard from you for 600 s");
  });

  it("send the target again after 240 s without a line", async () => {
    const { clock, miner } = startHarness({ easiestTarget: 0xffff_0000_0000_0000n });
    const client = await miner();

    clock.advance(239 * SECOND);
    await client.fence();
    expect(client.lines).toEqual([]);
    clock.advance(241 * SECOND);
    await client.fence();

    expect(client.lines.map((line) => line.replace(/"id":\d+/, '"id":0'))).toEqual([
      '{"id":0,"method":"mining.set_target","params":["ffff000000000000"]}\n',
    ]);
  });
});

describe("bad readers and writers", () => {
  it("an oversized line closes the connection, the lines before it are answered", async () => {
    const { connect, ends } = startHarness();
    const client = connect();

    client.send(`${call(1, "mining.get_oprhash", "1000")}${"x".repeat(4096)}`);
    await client.until(() => client.closed);

    expect(ends).toEqual(["oversized-line"]);
    expect(client.lines[0]).toContain("log in first");
    expect(client.lines[1]).toContain("a line has at most 4096 bytes");
  });

  it("a reader with more unsent than allowed is dropped, others are not [G15]", async () => {
    const { backend, ends, miner, server } = startHarness({ maxUnsentBytes: 2_000, lineBurst: 2_000 });
    const stuck = await miner();
    const honest = await miner();
    stuck.stopReading();

    for (let height = 1001; height < 2000; height++) {
      backend.job = { height, oprHash: HASH_B, threshold: 0n };
      server.jobChanged();
      await honest.fence();
    }

    expect(ends).toEqual(["slow-reader"]);
    expect(methods(honest.lines)).toHaveLength(999);
  });

  it("a reader that takes nothing for 30 s is dropped", async () => {
    const { backend, clock, ends, miner, server } = startHarness({ maxUnsentBytes: 1_000_000 });
    const stuck = await miner();
    stuck.stopReading();
    // Enough for the stream to have taken what it takes without a reader.
    for (let height = 1001; height < 2500; height++) {
      backend.job = { height, oprHash: HASH_B, threshold: 0n };
      server.jobChanged();
    }
    await turn();

    clock.advance(29 * SECOND);
    expect(ends).toEqual([]);
    clock.advance(2 * SECOND);

    expect(ends).toEqual(["slow-reader"]);
  });

  it("lines beyond the rate stay unread until their time comes", async () => {
    const { backend, clock, miner } = startHarness({ lineBurst: 10, linesPerSecond: 2 });
    const client = await miner();

    client.send(Array.from({ length: 20 }, (_, i) => share(100 + i)).join(""));
    await untilTrue(() => backend.shares.length >= 7);
    await turn();
    const atOnce = backend.shares.length;
    expect(atOnce).toBeLessThanOrEqual(10);
    for (let second = 0; second < 10; second++) {
      clock.advance(SECOND);
      await turn();
    }

    expect(backend.shares).toHaveLength(20);
  });

  it("too many malformed lines close the connection and ban the address for a while", async () => {
    const { clock, connect, ends } = startHarness({ malformedLimit: 3 });
    const client = connect();

    client.send("{\n[]\nnonsense\n");
    await client.until(() => client.closed);
    connect();
    expect(ends).toEqual(["malformed-lines", "banned"]);
    expect(client.lines).toHaveLength(4);
    expect(client.lines[3]).toContain("3 lines were no requests");
    clock.advance(181 * SECOND);
    const again = connect();
    await again.fence();

    expect(again.closed).toBe(false);
  });

  it("more than half of the shares forged close the session, each share answered with its reason", async () => {
    const { backend, ends, miner } = startHarness({ invalidWindow: 10 });
    const client = await miner();
    let asked = 0;
    backend.verdict = async () => {
      asked += 1;
      return asked % 3 === 0 ? { kind: "accepted" } : { kind: "refused", code: "wrong-hash", reason: "no" };
    };

    client.send(Array.from({ length: 12 }, (_, i) => share(100 + i)).join(""));
    await client.until(() => client.closed);

    expect(ends).toEqual(["invalid-shares"]);
    const answers = client.lines.filter((line) => line.includes('"result"'));
    expect(answers.length).toBeGreaterThanOrEqual(11);
    expect(answers.every((line) => line.includes("true") || line.includes("32027"))).toBe(true);
    expect(client.lines.at(-1)).toContain("more than half of 10 shares were wrong");
  });

  it("who was never right is told the size of the pool's table: in the answer, in each reason, once in a message, and at the end", async () => {
    const { backend, ends, connect } = startHarness({ invalidWindow: 10, tableBits: 16 });
    const client = connect();
    client.send(call(1, "mining.subscribe", "prosper/1") + call(2, "mining.authorize", "user,rig"));
    await client.fence();
    expect(client.take().join("")).toContain('{"type":"prosper.table_bits","id":"16"}');
    backend.verdict = async () => ({ kind: "refused", code: "wrong-hash", reason: "no" });

    client.send(Array.from({ length: 12 }, (_, i) => share(100 + i)).join(""));
    await client.until(() => client.closed);

    expect(ends).toEqual(["wrong-table"]);
    const words = "this pool's table has 16 bits: start the miner with --bits 16";
    const refused = client.lines.filter((line) => line.includes('"result":false'));
    expect(refused.length).toBeGreaterThanOrEqual(11);
    for (const line of refused) expect(line).toContain(words);
    const messages = client.lines.filter((line) => line.includes("client.show_message"));
    expect(messages).toHaveLength(2);
    for (const line of messages) expect(line).toContain(words);
  });

  it("who was right before is told what is wrong with the share, not of tables", async () => {
    const { backend, miner } = startHarness({ tableBits: 16 });
    const client = await miner();
    client.send(share(100));
    await client.fence();
    backend.verdict = async () => ({ kind: "refused", code: "wrong-hash", reason: "not what it claims" });
    client.send(share(101));
    await client.fence();
    expect(client.lines.join("")).toContain("not what it claims");
    expect(client.lines.join("")).not.toContain("table");
  });

  it("a miner that makes its table keeps its target, until it has it or sends a share", async () => {
    const { clock, miner } = startHarness({ tableBits: 16, blockPeriodMs: 60_000 });
    const [making, silent] = [await miner("a,making"), await miner("b,silent")];
    making.send(call(3, "mining.table", "0"));
    await making.fence();
    for (let second = 0; second < 120; second++) clock.advance(1_000);
    await silent.fence();
    await making.fence();
    expect(silent.lines.join("")).toContain("mining.set_target");
    expect(making.lines.join("")).not.toContain("mining.set_target");
    making.send(call(4, "mining.table", "100"));
    await making.fence();
    for (let second = 0; second < 120; second++) clock.advance(1_000);
    await making.fence();
    expect(making.lines.join("")).toContain("mining.set_target");
  });

  it("wrong shares send away their worker for a while, not the farm that shares its address", async () => {
    const { backend, clock, connect, ends, miner } = startHarness({ invalidWindow: 10, banMs: 60_000 });
    const bad = await miner("farm,bad");
    const good = await miner("farm,good");
    backend.verdict = async (sent) =>
      sent.worker === "bad" ? { kind: "refused", code: "wrong-hash", reason: "no" } : { kind: "accepted" };

    bad.send(Array.from({ length: 12 }, (_, i) => share(100 + i, "farm")).join(""));
    await bad.until(() => bad.closed);
    const again = connect();
    again.send(call(1, "mining.authorize", "farm,bad"));
    await again.until(() => again.closed);
    const third = await miner("farm,third");
    clock.advance(61_000);
    const later = await miner("farm,bad");

    expect(ends).toEqual(["invalid-shares", "worker-paused"]);
    expect(again.lines[0]).toContain("this worker was sent away because its shares were wrong");
    expect([good.closed, third.closed, later.closed]).toEqual([false, false, false]);
  });

  it("a user that sends more shares than anybody needs is refused the rest, over all its sessions at an address", async () => {
    const { backend, clock, miner } = startHarness({ userSharesPerSecond: 4 });
    const sessions = [await miner("flood,1"), await miner("flood,2")];
    const elsewhere = await miner("flood,3", "10.0.0.2");
    const other = await miner("other,1");

    for (const client of sessions)
      client.send(Array.from({ length: 15 }, (_, i) => share(i, "flood")).join(""));
    for (const client of sessions) await client.fence();
    elsewhere.send(share(1, "flood"));
    await elsewhere.fence();
    other.send(share(1, "other"));
    await other.fence();

    const refused = sessions.flatMap((client) => client.lines.filter((line) => line.includes("32028")));
    expect(refused).toHaveLength(30 - 5 * 4);
    expect(refused[0]).toContain("more than 4 shares a second of this user from this address");
    expect(elsewhere.lines[0]).toContain("true");
    expect(other.lines[0]).toContain("true");
    clock.advance(SECOND);
    sessions[0]?.send(share(99, "flood"));
    await sessions[0]?.fence();
    expect(sessions[0]?.lines.at(-1)).toContain('"id":99,"result":true');
    expect(backend.shares).toHaveLength(20 + 2 + 1);
  });

  it("forged shares use up a user's rate twenty times as fast, and never more than a second of it", async () => {
    const { backend, clock, miner } = startHarness({ userSharesPerSecond: 10, invalidWindow: 1_000 });
    const client = await miner();
    backend.verdict = async () => ({ kind: "refused", code: "wrong-hash", reason: "no" });
    client.send(share(1) + share(2) + share(3));
    await client.fence();
    expect(client.take().every((line) => line.includes("32027"))).toBe(true);

    client.send(share(4));
    await client.fence();
    expect(client.take()[0]).toContain("32028");
    clock.advance(2 * SECOND);
    client.send(share(5));
    await client.fence();

    expect(client.take()[0]).toContain("32027");
  });

  it("late, low and duplicate shares alone never close it", async () => {
    const { backend, ends, miner } = startHarness({ invalidWindow: 10 });
    const client = await miner();
    const codes = ["stale", "duplicate", "low-difficulty", "busy"] as const;
    backend.verdict = async (sent) => ({
      kind: "refused",
      code: codes[Number.parseInt(sent.nonce, 16) % 4] ?? "stale",
      reason: "",
    });

    client.send(Array.from({ length: 100 }, (_, i) => share(100 + i)).join(""));
    await client.fence();

    expect(client.lines).toHaveLength(100);
    expect(ends).toEqual([]);
  });
});

describe("whatever a client sends", () => {
  it("the server neither fails nor forgets the others", async () => {
    const { connect, miner } = startHarness({ malformedLimit: 1_000_000, lineBurst: 1_000_000 });
    const honest = await miner();
    const name = fc.constantFrom(
      "mining.subscribe",
      "mining.authorize",
      "mining.submit",
      "mining.get_oprhash",
      "mining.suggest_target",
      "mining.ping",
      "toString",
      "__proto__",
    );
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("a,b", "1000", HASH_A, "ffffffffffffffff", "__proto__"),
    );
    const line = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      fc
        .record({
          id: fc.integer(),
          method: name,
          params: fc.array(fc.oneof(text, fc.constant(null)), { maxLength: 6 }),
        })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
        const client = connect();
        client.send(lines.map((each) => `${each.replaceAll("\n", " ")}\n`).join(""));
        await client.fence();
        honest.send(share(7));
        await honest.fence();

        expect(client.closed).toBe(false);
        for (const answer of client.lines) expect(JSON.parse(answer)).toHaveProperty("id");
        expect(honest.take()).toEqual(['{"id":7,"result":true}\n']);
        await client.close();
      }),
      // `npm run test:fuzz` sends a million lines.
      { numRuns: 60 },
    );
  });
});

describe("offences that ban an address only together", () => {
  it("do so five times in ten minutes, and are forgotten after that", async () => {
    const { clock, connect, ends } = startHarness();
    const offend = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const client = connect();
        client.send("x".repeat(4097));
        await client.until(() => client.closed);
      }
    };
    await offend(4);
    clock.advance(601 * SECOND);
    await offend(4);
    const honest = connect();
    await honest.fence();
    expect(honest.closed).toBe(false);

    await offend(1);
    const banned = connect();
    await banned.until(() => banned.closed);

    expect(ends.slice(-2)).toEqual(["oversized-line", "banned"]);
    expect(banned.lines[0]).toContain("your address is sent away");
  });
});

describe("places", () => {
  it("are limited by address and in all", async () => {
    const { connect, ends } = startHarness({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    connect("10.0.0.1");
    connect("10.0.0.1");
    connect("10.0.0.1");
    expect(ends).toEqual(["address-full"]);
    connect("10.0.0.2");

    connect("10.0.0.3");

    expect(ends).toEqual(["address-full", "full"]);
  });

  it("go to others where one has had no valid share for 15 minutes of work, and only where they are short", async () => {
    const { backend, clock, ends, miner } = startHarness({
      maxConnections: 20,
      idleMs: 86_400_000,
      stuckMs: 86_400_000,
      sharesPerBlock: 60_000,
    });
    const working = await miner("user,good", "10.0.0.1");
    const idle = await miner("user,idle", "10.0.0.2");
    const refused = await miner("user,refused", "10.0.0.3");
    let next = 1;
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        backend.verdict = async () => ({ kind: "accepted" });
        working.send(share(next++));
        await working.fence();
        backend.verdict = async () => ({ kind: "refused", code: "low-difficulty", reason: "too easy" });
        refused.send(share(next++));
        await refused.fence();
        clock.advance(60 * SECOND);
        await turn();
      }
    };
    await pass(20);
    expect(ends).toEqual([]);
    // Time without a job is nobody's fault.
    const { job } = backend;
    backend.job = undefined;
    clock.advance(SECOND);
    backend.job = job;
    for (let i = 0; i < 16; i++) await miner(`user,new${i}`, `10.0.1.${i}`);
    clock.advance(2 * SECOND);
    expect(ends).toEqual([]);

    await pass(14);
    expect(ends).toEqual([]);
    await pass(2);
    await idle.until(() => idle.closed);

    // Two of twenty places are free again: nobody else has to go.
    expect(ends).toEqual(["shareless"]);
    expect(idle.lines.at(-1)).toContain("no valid share came from you for 900 s");
    expect([working.closed, refused.closed]).toEqual([false, false]);
  });

  it("are short by address too, except where one is exempt", async () => {
    const { clock, ends, miner } = startHarness({
      maxConnectionsPerAddress: 2,
      idleMs: 86_400_000,
      stuckMs: 86_400_000,
      exemptAddresses: ["192.168.0.0/16"],
    });
    for (let i = 0; i < 3; i++) await miner(`farm,${i}`, "192.168.1.1");
    await miner("user,alone", "10.0.0.1");
    await miner("user,a", "10.0.0.2");
    await miner("user,b", "10.0.0.2");

    clock.advance(901 * SECOND);
    await turn();

    expect(ends).toEqual(["shareless"]);
  });

  it("are given back", async () => {
    const { connect, ends } = startHarness({ maxConnectionsPerAddress: 1 });
    const first = connect("10.0.0.1");
    await first.fence();
    await first.close();

    const second = connect("10.0.0.1");
    await second.fence();

    expect(second.closed).toBe(false);
    expect(ends).toEqual(["client-closed"]);
  });

  it("are counted by /64 for IPv6, as one for IPv4 in IPv6, and not at all where exempt", async () => {
    const { connect, ends } = startHarness({
      maxConnectionsPerAddress: 1,
      exemptAddresses: ["192.168.0.0/16"],
    });
    connect("2001:db8::1");
    connect("2001:db8:0:0:ffff::2");
    connect("10.0.0.1");
    connect("::ffff:10.0.0.1");
    connect("192.168.1.1");
    connect("::ffff:192.168.1.1");

    expect(ends).toEqual(["address-full", "address-full"]);
  });
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

describe("a flood", () => {
  it("of lines from one is read a few at a time: another's line is answered between them", async () => {
    const { connect } = startHarness();
    const flooder = connect("10.0.0.1");
    const other = connect("10.0.0.2");

    flooder.send(call(3, "mining.get_oprhash", "1").repeat(2_000));
    other.send(call(4, "mining.get_oprhash", "1000"));
    await other.until(() => other.lines.length > 0);

    expect(flooder.lines.length).toBeLessThan(200);
    await flooder.until(() => flooder.lines.length === 2_000);
  });

  it("of shares of a session that has shown none yet is judged four at a time, and more with each good one", async () => {
    const { backend, miner } = startHarness();
    const client = await miner();
    const answers: ((verdict: ScriptedVerdict) => void)[] = [];
    backend.verdict = () => new Promise((resolve) => answers.push(resolve));

    client.send(Array.from({ length: 20 }, (_, n) => share(100 + n)).join(""));
    await untilTrue(() => answers.length === 4);
    await turn();
    expect(answers).toHaveLength(4);
    answers[0]?.({ kind: "accepted" });
    await untilTrue(() => answers.length === 6);
    answers[1]?.({ kind: "refused", code: "wrong-hash", reason: "no" });
    await turn();
    await turn();

    // The place that the forged one had is taken by the next, and there is no other.
    expect(answers).toHaveLength(7);
    for (const answer of answers.slice(2)) answer({ kind: "accepted" });
    await untilTrue(() => answers.length > 7);
  });
});

describe("the Go pool's defects at the door", () => {
  it("no share counts before a login, under the empty name, or after a login that was refused [G1]", async () => {
    const { backend, connect } = startHarness();
    backend.login = async () => ({ kind: "refused", reason: "no" });
    const client = connect();

    client.send(share(3, "") + share(4, "user"));
    client.send(call(5, "mining.subscribe", "prosper/test") + share(6, "") + share(7, "user"));
    client.send(call(8, "mining.authorize", "user,rig", "wrong", "", "") + share(9, "user") + share(10, ""));
    await client.fence();

    const answers = client.lines.filter((line) => /^\{"id":(3|4|6|7|9|10),/.test(line));
    expect(answers).toHaveLength(6);
    for (const answer of answers) expect(answer).not.toContain('"result":true');
    expect(backend.shares).toEqual([]);
  });

  it("nothing is left of 500 connections that came and went [G6]", async () => {
    const { backend, clock, connect, ends, server } = startHarness();
    const timersBefore = clock.pending();

    for (let n = 0; n < 500; n++) {
      const client = connect(`10.0.${n >> 8}.${n & 255}`);
      client.send(
        call(1, "mining.subscribe", "prosper/test") + call(2, "mining.authorize", `user${n},rig`, "", "", ""),
      );
      await client.fence();
      await client.close();
    }

    expect(ends).toHaveLength(500);
    expect([...server.sessions()]).toEqual([]);
    expect(server.stats()).toMatchObject({ connections: 0 });
    expect(clock.pending()).toBe(timersBefore);
    expect(backend.logins).toHaveLength(500);
  });

  it("mining.get_oprhash answers the truth [G20] [P7]", async () => {
    const { miner } = startHarness();
    const client = await miner();

    client.send(call(3, "mining.get_oprhash", "1000") + call(4, "mining.get_oprhash", "999"));
    await client.until(() => client.lines.length >= 2);

    expect(client.lines[0]).toContain(HASH_A);
    expect(client.lines[1]).not.toContain(HASH_A);
  });

  it("mining.get_oprhash answers only whoever is logged in", async () => {
    const { connect } = startHarness();
    const client = connect();

    client.send(call(2, "mining.subscribe", "x") + call(3, "mining.get_oprhash", "1000"));
    await client.until(() => client.lines.some((line) => line.startsWith('{"id":3,')));

    const answer = client.lines.find((line) => line.startsWith('{"id":3,'));
    expect(answer).toContain('"code":32602');
    expect(answer).toContain("log in first");
  });

  it("a login that brings another payout address is told that it was not taken, after the welcome", async () => {
    const { backend, connect } = startHarness();
    backend.login = async () => ({ kind: "ok", registered: false, notice: "the address was not changed" });
    const client = connect();

    client.send(call(2, "mining.authorize", "ann,rig", "", "", "FA-other"));
    await client.until(() => client.lines.length >= 3);

    expect(client.lines[0]).toBe('{"id":2,"result":true}\n');
    expect(client.lines.slice(1).map((line) => JSON.parse(line))).toMatchObject([
      { method: "client.show_message", params: ["Welcome to Prosper pool!"] },
      { method: "client.show_message", params: ["the address was not changed"] },
    ]);
  });
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
