/** The miner over real sockets, on a pool that judges every share by its own prefix's target: nothing it found is refused, and nothing is missing. */

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { type Miner, startMiner } from "../../../edge/miner/miner.ts";
import { type Clock, systemClock, systemRandom, type Timer } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { encodeRefusal, stratumError } from "../../../shared/messages/stratum.ts";
import { smallTable } from "../../support/hash/small-table.ts";
import { untilTrue } from "../../support/until.ts";
import { oneIn, PrefixPool } from "./prefix-pool.ts";

const table = smallTable(10);
const SPEED = 5;
/** At most so much passes at once: less than what makes a miner doubt its pool. */
const LEAP_MS = 200;

interface Waiting {
  readonly dueMs: number;
  readonly fn: () => void;
  real: Timer | undefined;
}

/** Time runs five times as fast, and where a test only waits it leaps: what takes seconds takes less here. */
class HastyClock implements Clock {
  #leaptMs = 0;
  readonly #waiting = new Set<Waiting>();

  wallMs(): number {
    return systemClock.wallMs();
  }

  monotonicMs(): number {
    return SPEED * systemClock.monotonicMs() + this.#leaptMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const waiting: Waiting = { dueMs: this.monotonicMs() + delayMs, fn, real: undefined };
    this.#arm(waiting);
    return { stop: () => this.#disarm(waiting) };
  }

  /** Lets so much time pass, and everybody do meanwhile what is due and answer what is asked. */
  async leap(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LEAP_MS) {
      this.#leaptMs += Math.min(left, LEAP_MS);
      for (const waiting of [...this.#waiting]) this.#arm(waiting);
      await pause(4);
    }
  }

  /** Lets time pass until it is so. */
  async leapUntil(condition: () => boolean): Promise<void> {
    while (!condition()) await this.leap(LEAP_MS);
  }

  #arm(waiting: Waiting): void {
    this.#disarm(waiting);
    this.#waiting.add(waiting);
    const leftMs = Math.max(0, waiting.dueMs - this.monotonicMs());
    waiting.real = systemClock.after(leftMs / SPEED, () => {
      this.#waiting.delete(waiting);
      waiting.fn();
    });
  }

  #disarm(waiting: Waiting): void {
    waiting.real?.stop();
    this.#waiting.delete(waiting);
  }
}

const hastyClock = new HastyClock();

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function start(
  target = oneIn(200n),
  hashesPerSecond = 20_000,
): Promise<{ pool: PrefixPool; miner: Miner; oprHash: string }> {
  const pool = new PrefixPool(target);
  const oprHash = randomBytes(32).toString("hex");
  pool.announce(1000, oprHash);
  const port = await pool.listen();
  const miner = startMiner(
    { host: "127.0.0.1", port, user: "user", worker: "rig", threads: 1, maxHashesPerSecond: hashesPerSecond },
    { table, clock: hastyClock, random: systemRandom, logger: SILENT },
  );
  running.push(miner, { stop: () => pool.close() });
  return { pool, miner, oprHash };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps this thread from hearing anything. */
function spin(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

const more = async (miner: Miner, shares: number): Promise<void> => {
  const before = miner.stats().accepted;
  await untilTrue(() => miner.stats().accepted >= before + shares);
};

/** From now on every share is refused; resolves once one was: on a busy machine the threads may find nothing for a while. */
async function becomeBusy(pool: PrefixPool): Promise<void> {
  let refused = 0;
  pool.answer = (socket, id) => {
    refused += 1;
    socket.write(encodeRefusal(id, stratumError("ErrorBusy")));
  };
  await untilTrue(() => refused > 0);
}

describe("a prefix and its target", () => {
  it("through forty retargets every hit of each prefix is sent, and none below its target", async () => {
    const { miner, oprHash, pool } = await start();
    for (let i = 0; i < 40; i++) {
      await more(miner, 8);
      pool.retarget(oneIn(i % 2 === 0 ? 40n : 900n));
      // The threads go on meanwhile: what they find and what the pool says arrive together.
      spin(20);
    }
    await more(miner, 8);
    await miner.stop();

    expect(pool.refused).toEqual([]);
    expect(miner.stats()).toMatchObject({ accepted: pool.taken.size, rejected: {}, lost: 0 });
    expect(await pool.missing(oprHash)).toEqual([]);
  });

  it("ten changes in one moment lose no hit that was still on its way", async () => {
    const { miner, oprHash, pool } = await start(oneIn(20n));
    for (let round = 0; round < 20; round++) {
      await more(miner, 20);
      for (let i = 0; i < 10; i++) {
        pool.retarget(oneIn(20n + BigInt(i)));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await miner.stop();

    expect(miner.stats()).toMatchObject({ accepted: pool.taken.size, rejected: {}, lost: 0 });
    expect(await pool.missing(oprHash)).toEqual([]);
  });
});

describe("a cut line", () => {
  it("eleven cuts, clean and half-open, lose nothing and leave nothing refused", async () => {
    const { miner, oprHash, pool } = await start(oneIn(200n), 6_000);
    for (let i = 0; i < 11; i++) {
      // Long enough for the next attempt to count as a first one.
      await hastyClock.leap(5_200);
      const connections = pool.connections;
      // Easier and harder than what a new session is given first.
      pool.retarget(oneIn(i % 4 < 2 ? 100n : 1_000n));
      await more(miner, 3);
      await pool.cut(i % 2 === 0 ? "clean" : "half-open", ((1 + i) * 180) / SPEED);
      await hastyClock.leapUntil(() => pool.connections > connections && miner.stats().authorized);
    }
    await more(miner, 20);
    await miner.stop();

    expect(pool.refused).toEqual([]);
    expect(miner.stats()).toMatchObject({ accepted: pool.taken.size, rejected: {}, lost: 0 });
    expect(await pool.missing(oprHash)).toEqual([]);
  }, 60_000);

  it("a pool that only judges slowly is not given up", async () => {
    const { miner, pool } = await start(oneIn(2_000n));
    pool.answer = (_socket, _id, judge) => void hastyClock.after(12_000, judge);
    const { accepted } = miner.stats();
    await hastyClock.leapUntil(() => miner.stats().accepted >= accepted + 10);

    expect(miner.stats().reconnects).toBe(0);
  }, 30_000);

  it("a pool that judges slowly is found gone as soon as a quick one: it answers at once whether it is there", async () => {
    const { miner, pool } = await start(oneIn(2_000n));
    pool.answer = (_socket, _id, judge) => void setTimeout(judge, 2_000 / SPEED);
    await more(miner, 10);
    const began = hastyClock.monotonicMs();
    await pool.cut("half-open", 1);
    await untilTrue(() => miner.stats().reconnects === 1);

    // Twice the two seconds, and what a busy machine may take; sixteen times would be half a minute.
    expect(hastyClock.monotonicMs() - began).toBeLessThan(15_000);
  }, 30_000);

  it("a pool that says nothing at all is given up after some seconds, and its shares are sent again", async () => {
    const { miner, pool } = await start();
    await more(miner, 5);
    const began = hastyClock.monotonicMs();
    await pool.cut("half-open", 1);
    await hastyClock.leapUntil(() => miner.stats().reconnects === 1);
    const noticedMs = hastyClock.monotonicMs() - began;
    await more(miner, 5);
    await miner.stop();

    // Three seconds of silence; the rest is what a busy machine may take.
    expect(noticedMs).toBeGreaterThan(2_900);
    expect(noticedMs).toBeLessThan(20_000);
    expect(miner.stats()).toMatchObject({ accepted: pool.taken.size, rejected: {}, lost: 0 });
  });
});

describe("stop_mining", () => {
  it("frees the threads at once, keeps what was found until the pool takes it, and mines the same job under a new prefix", async () => {
    const { miner, oprHash, pool } = await start(oneIn(50n));
    await more(miner, 50);
    // From now on the pool is busy, and stops: what is found has to wait.
    await becomeBusy(pool);
    pool.stopMining();
    await untilTrue(() => miner.stats().height === undefined);
    await pause(50);
    const { hashes, submitted, accepted } = miner.stats();
    await pause(300);
    expect(miner.stats().hashes).toBe(hashes);
    expect(submitted).toBeGreaterThan(accepted);
    pool.answer = undefined;
    await untilTrue(() => miner.stats().accepted >= submitted);

    pool.announce(1000, oprHash);
    await more(miner, 50);
    await miner.stop();

    expect(pool.answeredDuplicates).toEqual([]);
    expect(miner.stats()).toMatchObject({ accepted: pool.taken.size, rejected: {}, lost: 0 });
    expect(await pool.missing(oprHash)).toEqual([]);
  });

  it("what a pool never takes is counted as lost", async () => {
    const { miner, pool } = await start(oneIn(50n));
    await more(miner, 50);
    await becomeBusy(pool);
    pool.stopMining();
    await hastyClock.leapUntil(() => miner.stats().lost > 0);
    await miner.stop();

    const { submitted, accepted, lost } = miner.stats();
    expect(lost).toBeGreaterThanOrEqual(submitted - accepted);
    expect(miner.stats().rejected).toEqual({});
  });
});
