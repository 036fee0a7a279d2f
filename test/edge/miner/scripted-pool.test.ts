/** The miner against a pool that says what a test wants it to, and against a list of such pools. */

import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  encodeRefusal,
  encodeRequest,
  encodeResult,
  parseStratumLine,
  stratumError,
} from "../../../shared/messages/stratum.ts";
import { HASH_A, HASH_B, launch } from "../../support/launched-miner.ts";
import { untilTrue } from "../../support/until.ts";

/** A pool in a test's hands: answers subscribe and authorize by itself, keeps the rest. */
function scriptedPool() {
  const streams: Duplex[] = [];
  const ports: number[] = [];
  const submits: string[][] = [];
  const others: string[] = [];
  let login = (id: number): string => encodeResult(id, true);
  let verdict = (id: number): string => encodeResult(id, true);
  const say = (line: string): void => void streams.at(-1)?.write(line);
  const hear = (line: string): void => {
    const message = parseStratumLine(line);
    const params =
      message.kind === "request" && message.params.kind === "list" ? [...message.params.values] : [];
    if (message.kind !== "request") others.push(line);
    else if (message.method === "mining.subscribe")
      say(encodeResult(message.id, [{ type: "mining.set_nonce", id: "16909060" }]));
    else if (message.method === "mining.authorize") {
      others.push(params.join("|"));
      say(login(Number(message.id)));
    } else if (message.method === "mining.submit") {
      submits.push(params);
      say(verdict(Number(message.id)));
    } else if (message.method === "mining.ping") say(encodeResult(message.id, "pong"));
    else others.push(line);
  };
  const dial = (port: number): Duplex => {
    const [ours, theirs] = duplexPair();
    let text = "";
    theirs.setEncoding("utf8");
    theirs.on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) hear(line);
    });
    theirs.on("error", () => undefined);
    streams.push(theirs);
    ports.push(port);
    return ours;
  };
  const setVerdict = (next: (id: number) => string): void => {
    verdict = next;
  };
  const ask = (method: string, ...params: string[]): void => say(encodeRequest(9, method, params));
  const refuseLogins = (): void => {
    login = (id) => encodeRefusal(id, stratumError("ErrorLoginRefused", "no such user"));
  };
  return { ask, dial, others, ports, refuseLogins, say, setVerdict, streams, submits };
}

describe("what a pool may say", () => {
  it("a job, a target and a prefix decide what is submitted", async () => {
    const pool = scriptedPool();
    const { miner } = launch(pool.dial);
    await untilTrue(() => miner.stats().authorized);
    pool.ask("mining.set_target", "0xff00000000000000");
    pool.ask("mining.notify", "1000", HASH_A, "");
    await untilTrue(() => pool.submits.length >= 5);
    for (const [user, jobId, nonce, oprHash, target] of pool.submits) {
      expect([user, jobId, oprHash]).toEqual(["user", "1000", HASH_A]);
      expect(nonce).toMatch(/^01020304[0-9a-f]{8}$/);
      expect(BigInt(`0x${target}`)).toBeGreaterThanOrEqual(0xff00_0000_0000_0000n);
    }

    pool.ask("mining.set_nonce", "4000000000");
    await untilTrue(() => pool.submits.at(-1)?.[2]?.startsWith("ee6b2800") ?? false);
    pool.ask("mining.notify", "1001", HASH_B, "");
    await untilTrue(() => pool.submits.at(-1)?.[3] === HASH_B);

    const nonces = pool.submits.map((params) => `${params[3]} ${params[2]}`);
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  it("stops on stop_mining, and goes on with the next job", async () => {
    const pool = scriptedPool();
    const { miner } = launch(pool.dial);
    pool.ask("mining.set_target", "ff00000000000000");
    await untilTrue(() => miner.stats().authorized);
    pool.ask("mining.set_target", "ff00000000000000");
    pool.ask("mining.notify", "1000", HASH_A, "");
    await untilTrue(() => pool.submits.length > 0);

    pool.say(encodeRequest(9, "mining.stop_mining", null));
    await untilTrue(() => miner.stats().height === undefined);
    pool.ask("mining.notify", "1001", HASH_B, "");

    await untilTrue(() => pool.submits.at(-1)?.[1] === "1001");
  });

  it("ignores an older job, a bad prefix and a bad target", async () => {
    const pool = scriptedPool();
    const { miner } = launch(pool.dial);
    await untilTrue(() => miner.stats().authorized);
    pool.ask("mining.set_target", "ff00000000000000");
    pool.ask("mining.notify", "1000", HASH_A, "");
    pool.ask("mining.notify", "999", HASH_B, "");
    pool.ask("mining.notify", "x", HASH_B, "");
    pool.ask("mining.notify", "1002", "short", "");
    pool.ask("mining.set_nonce", "4294967296");
    pool.ask("mining.set_nonce", "-1");
    pool.ask("mining.set_target", "zz");
    pool.say("nonsense\n[]\n");
    await untilTrue(() => pool.submits.length >= 3);

    expect(miner.stats()).toMatchObject({ height: 1000, target: 0xff00_0000_0000_0000n });
    expect(pool.submits.at(-1)?.[2]).toMatch(/^01020304/);
  });

  it("answers get_version and shows messages", async () => {
    const pool = scriptedPool();
    const { messages, miner } = launch(pool.dial, { agent: "test/1" });
    await untilTrue(() => miner.stats().authorized);

    pool.say(encodeRequest(77, "client.get_version", null));
    pool.ask("client.show_message", "hello");
    await untilTrue(() => messages.length > 0 && pool.others.length > 1);

    expect(pool.others.at(-1)).toBe('{"id":77,"result":"test/1"}');
    expect(messages).toEqual(["hello"]);
  });

  it("shows no character of a message that turns the writing round, moves the cursor or hides", async () => {
    const pool = scriptedPool();
    const { messages, miner } = launch(pool.dial);
    await untilTrue(() => miner.stats().authorized);

    pool.ask(
      "client.show_message",
      "a\u202eb\u2066c\u200fd\u061ce\u200bf\u009bg\u001b[2Jh\u2028i\ufeff é 漢 😀",
    );
    await untilTrue(() => messages.length > 0);

    expect(messages).toEqual(["a?b?c?d?e?f?g?[2Jh?i? é 漢 😀"]);
  });

  it("follows client.reconnect to another port of the same host, not to another host", async () => {
    const pool = scriptedPool();
    const { clock, miner } = launch(pool.dial);
    await untilTrue(() => miner.stats().authorized);
    pool.ask("client.reconnect", "thief.example", "1234", "0");
    pool.ask("client.reconnect", "pool.test", "4321", "3");
    await untilTrue(() => !miner.stats().connected);
    clock.advance(2_900);
    expect(pool.ports).toEqual([1234]);

    clock.advance(200);
    await untilTrue(() => miner.stats().authorized);

    expect(pool.ports).toEqual([1234, 4321]);
  });

  it("sends password and invite until the first login, and an empty password after", async () => {
    const pool = scriptedPool();
    const { clock, miner } = launch(pool.dial, { password: "secret", invite: "code", payoutAddress: "FA1" });
    await untilTrue(() => miner.stats().authorized);
    pool.streams[0]?.destroy();
    await untilTrue(() => !miner.stats().connected);
    clock.advance(1_000);
    await untilTrue(() => miner.stats().authorized);

    expect(pool.others).toEqual(["user,rig|secret|code|FA1", "user,rig|||"]);
  });

  it("counts refusals by their reason", async () => {
    const pool = scriptedPool();
    pool.setVerdict((id) => encodeRefusal(id, stratumError("ErrorStaleShare", "late")));
    const { miner } = launch(pool.dial);
    await untilTrue(() => miner.stats().authorized);
    pool.ask("mining.set_target", "ff00000000000000");
    pool.ask("mining.notify", "1000", HASH_A, "");

    await untilTrue(() => (miner.stats().rejected["ErrorStaleShare"] ?? 0) >= 2);

    expect(miner.stats().accepted).toBe(0);
  });

  it("a pool that cannot be reached is tried again, later each time", async () => {
    const pool = scriptedPool();
    let attempts = 0;
    const { clock, miner } = launch((port) => {
      attempts += 1;
      if (attempts < 4) throw new Error("connection refused");
      return pool.dial(port);
    });
    const waits: number[] = [];
    for (let attempt = 1; attempt < 4; attempt++) {
      await untilTrue(() => clock.pending() === 1);
      const from = clock.monotonicMs();
      while (attempts === attempt) {
        clock.advance(50);
        await new Promise((resolve) => setImmediate(resolve));
      }
      waits.push(clock.monotonicMs() - from);
    }
    await untilTrue(() => miner.stats().authorized);

    // Each between half and all of ½, 1 and 2 seconds, and the step of the clock.
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** i);
      expect(wait).toBeLessThanOrEqual(500 * 2 ** i + 50);
    }
  });

  it("a pool that never answers the login is left and tried again", async () => {
    const streams: Duplex[] = [];
    const { clock, miner } = launch(() => {
      const [ours, theirs] = duplexPair();
      theirs.resume();
      streams.push(theirs);
      return ours;
    });
    await untilTrue(() => miner.stats().connected);

    clock.advance(30_000);
    expect(miner.stats().connected).toBe(false);
    clock.advance(1_000);
    await untilTrue(() => miner.stats().connected);

    expect(streams).toHaveLength(2);
  });
});
describe("a list of pools", () => {
  /** Two pools in a test's hands, by the port that is dialled. */
  function twoPools() {
    const [first, second] = [scriptedPool(), scriptedPool()];
    const away = new Set<number>();
    const dial = (port: number): Duplex => {
      if (away.has(port)) throw new Error("connection refused");
      return (port === 1 ? first : second).dial(port);
    };
    const others = [{ host: "second.test", port: 2, user: "other", worker: "rig" }];
    const launched = launch(dial, { port: 1, others });
    const announce = (pool: typeof first, height: number, hash: string): void => {
      pool.ask("mining.set_target", "ff00000000000000");
      pool.ask("mining.notify", String(height), hash, "");
    };
    const on = (port: number): boolean => launched.miner.stats().pool.port === port;
    return { announce, away, first, on, second, ...launched };
  }
  /** Lets what was dialled be answered, between steps of the clock. */
  async function pass(clock: { advance(ms: number): void }, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("is gone down when the first is lost, and up again: each pool gets the shares of its own jobs only", async () => {
    const { announce, away, clock, first, miner, on, second } = twoPools();
    await untilTrue(() => miner.stats().authorized);
    announce(first, 1000, HASH_A);
    await untilTrue(() => first.submits.length >= 5);
    expect(second.submits).toEqual([]);

    away.add(1);
    first.streams.at(-1)?.destroy();
    await pass(clock, 29_000);
    expect([on(1), second.streams.length]).toEqual([true, 0]);
    await pass(clock, 3_000);
    await untilTrue(() => second.others.includes("other,rig|||"));
    announce(second, 2000, HASH_B);
    await untilTrue(() => on(2) && second.submits.length >= 5);

    away.delete(1);
    const before = first.streams.length;
    for (let second = 0; second < 70 && first.streams.length === before; second++) await pass(clock, 1_000);
    announce(first, 1001, HASH_A);
    await pass(clock, 20_000);
    expect(on(2)).toBe(true);
    await pass(clock, 12_000);
    await untilTrue(() => on(1));
    await pass(clock, 3_000);
    const left = second.submits.length;
    await untilTrue(() => first.submits.at(-1)?.[1] === "1001");

    expect(second.submits.length).toBe(left);
    const jobsAt = (pool: typeof first): unknown => [
      ...new Set(pool.submits.map(([user, job]) => `${user} ${job}`)),
    ];
    expect(jobsAt(first)).toEqual(["user 1000", "user 1001"]);
    expect(jobsAt(second)).toEqual(["other 2000"]);
    expect(miner.stats().rejected).toEqual({});
  });

  it("is left only when every pool has refused", async () => {
    const [first, second] = [scriptedPool(), scriptedPool()];
    for (const pool of [first, second]) pool.refuseLogins();
    const others = [{ host: "second.test", port: 2, user: "other", worker: "rig" }];
    const { miner } = launch((port) => (port === 1 ? first : second).dial(port), { port: 1, others });
    expect(await miner.ended).toEqual({ kind: "refused", reason: "no such user" });
    expect([first.streams.length, second.streams.length]).toEqual([1, 1]);
  });
});
