/** Deadlines, slow readers and bad writers at the stratum server, over in-memory streams and a clock moved by hand. */

import { describe, expect, it } from "vitest";
import { call, HASH_B, methods, share, startHarness } from "../../support/stratum/harness.ts";
import { untilTrue } from "../../support/until.ts";

const SECOND = 1_000;

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

/** One turn of the event loop, for streams to hand over their data. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
