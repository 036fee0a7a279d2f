/** Shares and their targets on a session of the stratum server, over in-memory streams and a clock moved by hand. */

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

  it("of two that send many at once are read in turns, a few of each: nobody waits for the other's last", async () => {
    const { backend, miner } = startHarness();
    const [first, second] = [await miner(), await miner()];

    for (const [at, client] of [first, second].entries())
      client.send(Array.from({ length: 100 }, (_, i) => share(100 * (1 + at) + i)).join(""));
    await Promise.all([first.fence(), second.fence()]);

    const readers = backend.shares.map(({ sessionId }) => sessionId);
    const changes = readers.filter((reader, i) => reader !== readers[i - 1]);
    expect(readers).toHaveLength(200);
    // At most four at a time, until the last of one are read.
    expect(changes.length).toBeGreaterThanOrEqual(200 / 4);
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

/** One turn of the event loop, for streams to hand over their data. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
