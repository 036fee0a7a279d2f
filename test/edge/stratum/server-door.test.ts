/** Whom the stratum server lets in, bans and bears, over in-memory streams and a clock moved by hand. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, HASH_A, type ScriptedVerdict, share, startHarness } from "../../support/stratum/harness.ts";
import { untilTrue } from "../../support/until.ts";

const SECOND = 1_000;

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

/** One turn of the event loop, for streams to hand over their data. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
