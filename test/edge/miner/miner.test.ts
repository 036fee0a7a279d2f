/** The miner against the real server. */

import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { HASH_A, HASH_B, launch, table } from "../../support/launched-miner.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { untilTrue } from "../../support/until.ts";

/** Gives out one prefix again and again. */
class OnePrefix extends Prefixes {
  protected override fresh(): number {
    return 7;
  }
}

describe("on the real server", () => {
  function startPool(prefixes?: Prefixes) {
    const clock = manualClock();
    const backend = new OpenBackend(
      { lateMs: 5_000 },
      { hasher: smallHasher(10), clock, random: systemRandom, logger: SILENT, ...(prefixes && { prefixes }) },
    );
    // 512 hashes a share, and no vardiff to change it.
    const target = 0xff80_0000_0000_0000n;
    const server = new StratumServer(
      {
        tableBits: 10,
        firstTarget: target,
        easiestTarget: target,
        sharesPerBlock: 1_000_000,
        lineBurst: 100_000,
      },
      { backend, clock, random: systemRandom, logger: SILENT, metrics: NO_METRICS },
    );
    const dial = (): Duplex => {
      const [ours, theirs] = duplexPair();
      server.accept(theirs, "127.0.0.1");
      return ours;
    };
    return { backend, dial, server };
  }

  it("finds shares that are all accepted, from job to job", async () => {
    const { backend, dial, server } = startPool();
    backend.setJob(1000, HASH_A);
    const { miner } = launch(dial, { threads: 2 });
    await untilTrue(() => miner.stats().accepted >= 20);

    backend.setJob(1001, HASH_B);
    server.jobChanged();
    await untilTrue(() => miner.stats().height === 1001);
    const before = miner.stats().accepted;
    await untilTrue(() => miner.stats().accepted >= before + 20);

    expect(miner.stats()).toMatchObject({
      rejected: {},
      lost: 0,
      authorized: true,
      target: 0xff80_0000_0000_0000n,
    });
    expect(await miner.getOprHash("1001")).toBe(HASH_B);
    expect(await miner.getOprHash("7")).toBeUndefined();
  });

  it("logs in before it makes its table, takes the size from the pool and tells how far it is", async () => {
    const { backend, dial, server } = startPool();
    backend.setJob(1000, HASH_A);
    let asked: number | undefined;
    let finish = (): void => undefined;
    let tell: (part: number) => void = () => undefined;
    const { miner } = launch(dial, {}, (poolBits, onProgress) => {
      asked = poolBits;
      tell = onProgress;
      return new Promise((resolve) => {
        finish = () => resolve(table);
      });
    });
    await untilTrue(() => asked !== undefined);
    expect(asked).toBe(10);
    expect(miner.stats()).toMatchObject({ authorized: true, tablePart: 0, hashes: 0 });
    tell(0.5);
    expect(miner.stats().tablePart).toBe(0.5);
    const [session] = server.sessions();
    await untilTrue(() => session?.tablePercent === 50);
    finish();
    await untilTrue(() => miner.stats().accepted >= 5);
    expect(miner.stats()).toMatchObject({ tablePart: undefined, rejected: {} });
    expect(session?.tablePercent).toBeUndefined();
  });

  it("brings the code of the page that its line was copied from, and tells which table it makes", async () => {
    const { dial, server } = startPool();
    launch(dial, { connectCode: "ABCDEFGHIJKLMNOP", bits: 9 }, () => new Promise(() => undefined));
    const seen = () => server.sightings.look({ code: "ABCDEFGHIJKLMNOP", place: "" });
    await untilTrue(() => seen()[0]?.tablePercent === 0);
    expect(seen()).toMatchObject([{ user: "user", problem: { code: "wrong-table" } }]);
    expect([...server.sessions()].map(({ agent }) => agent)).toEqual(["prosper-ts/0.1"]);
  });

  it("makes one table however often the connection ends meanwhile", async () => {
    const { backend, dial, server } = startPool();
    backend.setJob(1000, HASH_A);
    let made = 0;
    let finish = (): void => undefined;
    const { clock, miner } = launch(dial, {}, () => {
      made += 1;
      return new Promise((resolve) => {
        finish = () => resolve(table);
      });
    });
    await untilTrue(() => made === 1);
    for (const session of server.sessions()) session.end("shutdown");
    await untilTrue(() => !miner.stats().connected);
    clock.advance(2_000);
    await untilTrue(() => miner.stats().authorized);
    finish();
    await untilTrue(() => miner.stats().accepted >= 5);
    expect(made).toBe(1);
  });

  it("ends where there is no table, and says why", async () => {
    const { dial } = startPool();
    const { miner } = launch(dial, {}, () => Promise.reject(new Error("no room")));
    expect(await miner.ended).toMatchObject({ kind: "no-table", error: new Error("no room") });
  });

  it("mines no nonce twice when it comes back to the same job and prefix", async () => {
    const { backend, dial, server } = startPool(new OnePrefix({ order: () => 7 }));
    backend.setJob(1000, HASH_A);
    const { clock, miner } = launch(dial);
    for (let round = 1; round <= 3; round++) {
      const before = miner.stats().accepted;
      await untilTrue(() => miner.stats().accepted >= before + 10);
      for (const session of server.sessions()) session.end("shutdown");
      await untilTrue(() => !miner.stats().connected);
      clock.advance(2_000);
    }
    await untilTrue(() => miner.stats().authorized);

    expect(miner.stats().rejected).toEqual({});
    expect(miner.stats().reconnects).toBe(3);
  });

  it("ends with the pool's reason when the login is refused", async () => {
    const { backend, dial } = startPool();
    backend.authorize = async () => ({ kind: "refused", reason: "no such user" });
    const { miner } = launch(dial);

    expect(await miner.ended).toEqual({ kind: "refused", reason: "no such user" });
    expect(miner.stats().connected).toBe(false);
  });

  it("keeps to its cap of hashes a second", async () => {
    const { backend, dial } = startPool();
    backend.setJob(1000, HASH_A);
    const { miner } = launch(dial, { maxHashesPerSecond: 5_000 });
    await untilTrue(() => miner.stats().accepted >= 1);
    const started = performance.now();
    const before = miner.stats().hashes;
    await untilTrue(() => miner.stats().hashes >= before + 2_000);

    // Never faster; how much slower depends on the machine. One stretch may have been under way.
    expect(performance.now() - started).toBeGreaterThan(150);
  });
});

describe("options", () => {
  it.each([
    { threads: 0 },
    { threads: 1.5 },
    { dutyCycle: 0 },
    { dutyCycle: 1.1 },
    { maxHashesPerSecond: 0 },
  ])("%j are refused", (options) => {
    expect(() => launch(() => duplexPair()[0], options)).toThrow(RangeError);
  });
});
