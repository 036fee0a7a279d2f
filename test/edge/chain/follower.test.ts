import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFollower, type Follower, type FollowerEvents } from "../../../edge/chain/follower.ts";
import type { ChainBlock } from "../../../edge/chain/reader.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type BlockRow, latestBlock, readBlock, writeBlock } from "../../../shared/db/blocks.ts";
import { insertJob, type JobRow } from "../../../shared/db/jobs.ts";
import { sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const keyMr = (height: number, chain = "a"): string => `${chain}${height}`.padStart(64, "0");

function blockRow(height: number, over: Partial<BlockRow> = {}): BlockRow {
  return {
    height,
    version: 5,
    keyMr: keyMr(height),
    at: 1_700_000_000 + height,
    entries: 0,
    graded: false,
    winners: [],
    prices: null,
    minTarget: null,
    ema: null,
    networkHashrate: null,
    winning: 1,
    reward: 360n,
    ...over,
  };
}

const jobOn = (block: BlockRow): JobRow => ({
  height: block.height + 1,
  version: 5,
  oprHash: "ab".repeat(32),
  opr: new Uint8Array([1]),
  prices: {},
  threshold: 0n,
  feeRate: "0.05000000",
  split: "largest-remainder",
  credit: "assigned",
});

/** Something that takes until the test ends it. */
function pending(): { promise: Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A follower on a chain that the test moves, and what it told. */
class Scene {
  top = 1000;
  chain = "a";
  prices = true;
  epoch: bigint | undefined = 1n;
  graded: number[] = [];
  heights: number[] = [];
  jobs: number[] = [];
  refusals: string[] = [];
  alarms: string[] = [];
  patienceMs = 60_000;
  joblessMs = 60_000;
  noPrices = new Error("no prices");
  /** What the next calls wait for. */
  reading: Promise<void> = Promise.resolve();
  settling: Promise<void> = Promise.resolve();
  asking: Promise<void> = Promise.resolve();
  grading = 0;
  gradingAtOnce = 0;
  renewals = 0;
  readonly stop = new AbortController();
  readonly database: TestDatabase;

  constructor(database: TestDatabase) {
    this.database = database;
  }

  start(): Promise<void> {
    return this.follower().run(this.stop.signal);
  }

  follower(): Follower {
    const events: FollowerEvents = {
      onHeight: (height) => this.heights.push(height),
      onJob: async (job) => {
        this.jobs.push(job.height);
      },
      onNoJob: (height, reason) => this.refusals.push(`${height} ${reason}`),
      onBlock: () => undefined,
    };
    const readChain = async (height: number): Promise<ChainBlock> => {
      this.grading += 1;
      this.gradingAtOnce = Math.max(this.gradingAtOnce, this.grading);
      await this.reading;
      return {
        height,
        keyMr: keyMr(height, this.chain),
        prevKeyMr: keyMr(height - 1, this.chain),
        timestamp: 0,
        entries: [],
      };
    };
    return createFollower(
      {
        ...{ startHeight: 1000, pollMs: 5, retryMs: 5 },
        ...{ patienceMs: this.patienceMs, joblessMs: this.joblessMs },
      },
      {
        db: this.database.db,
        topHeight: async () => {
          const seen = this.top;
          await this.asking;
          return seen;
        },
        readBlock: readChain,
        grade: async (block) => {
          this.graded.push(block.height);
          this.grading -= 1;
          return { row: blockRow(block.height, { keyMr: block.keyMr }), places: [] };
        },
        lease: {
          hold: async () => {
            this.renewals += 1;
            return this.epoch;
          },
        },
        makeJob: async (block) => {
          if (!this.prices) throw this.noPrices;
          await this.settling;
          return insertJob(this.database.db, jobOn(block), null);
        },
        clock: systemClock,
        logger: { ...SILENT, error: (_, facts) => void this.alarms.push(`${facts?.["problem"]}`) },
      },
      events,
    );
  }
}

describe("the chain follower", () => {
  let database: TestDatabase;
  let scene: Scene;
  let running: Promise<void> | undefined;
  beforeEach(async () => {
    database = await createTestDatabase();
    await database.db.execute(sql`INSERT INTO leases VALUES ('chain', 'me', 1, now() + interval '1 hour')`);
    scene = new Scene(database);
  });
  afterEach(async () => {
    scene.stop.abort();
    await running;
    await database.drop();
  });

  it("books every height once and in order, and settles a job on the top only", async () => {
    running = scene.start();
    await expect.poll(() => scene.jobs).toEqual([1001]);

    scene.top = 1004;
    await expect.poll(() => scene.jobs).toEqual([1001, 1005]);

    expect(scene.graded).toEqual([1000, 1001, 1002, 1003, 1004]);
    expect(scene.heights).toEqual([1000, 1004]);
    expect((await latestBlock(database.db))?.height).toBe(1004);
  });

  it("without the lease waits for the other edge's row", async () => {
    scene.epoch = undefined;
    running = scene.start();
    await expect.poll(() => scene.heights).toEqual([1000]);
    expect(scene.jobs).toEqual([]);

    await writeBlock(database.db, blockRow(1000), [], 1n);

    await expect.poll(() => scene.jobs).toEqual([1001]);
    expect(scene.graded).toEqual([]);
  });

  it("books the reward although no prices let it make a job, and mines as soon as there are some [G9]", async () => {
    scene.prices = false;
    running = scene.start();
    await expect.poll(() => scene.refusals).toEqual(["1000 no prices"]);
    expect((await readBlock(database.db, 1000))?.reward).toBe(360n);

    scene.prices = true;

    await expect.poll(() => scene.jobs).toEqual([1001]);
  });

  it("books nothing again when the node goes back: an alarm, and it goes on when the node is back", async () => {
    running = scene.start();
    scene.top = 1002;
    await expect.poll(() => scene.jobs.at(-1)).toBe(1003);
    const graded = [...scene.graded];

    scene.top = 1000;
    await expect
      .poll(() => scene.alarms)
      .toEqual(["factomd is at height 1000, but 1002 was seen: see why it is behind"]);
    scene.top = 1003;

    await expect.poll(() => scene.jobs.at(-1)).toBe(1004);
    expect(scene.graded).toEqual([...graded, 1003]);
    expect(scene.alarms).toHaveLength(1);
  });

  it("stops with an alarm on another chain, and books nothing of it", async () => {
    running = scene.start();
    await expect.poll(() => scene.jobs).toEqual([1001]);

    scene.chain = "b";
    scene.top = 1001;

    await expect.poll(() => scene.alarms.at(-1)).toContain("factomd is on another chain");
    expect(scene.refusals.at(-1)).toContain("factomd is on another chain");
    expect((await latestBlock(database.db))?.height).toBe(1000);
  });

  describe("with a node behind the books", () => {
    const book = async (...heights: number[]): Promise<void> => {
      for (const height of heights) await writeBlock(database.db, blockRow(height), [], 1n);
    };
    const BEHIND = "factomd is at height 1000, but 1002 is booked: see why it is behind";

    it("does not mine what is over, from the start on, and says so", async () => {
      await book(1000, 1001, 1002);
      running = scene.start();

      await expect.poll(() => scene.alarms[0]).toBe(BEHIND);
      expect(scene.refusals[0]).toBe(`1002 ${BEHIND}`);
      expect(scene.heights.at(-1)).toBe(1002);
      expect(scene.jobs).toEqual([]);
      scene.top = 1002;
      await expect.poll(() => scene.jobs).toEqual([1003]);
    });

    it("ends the job it mines when the node stands still while other edges go on", async () => {
      running = scene.start();
      await expect.poll(() => scene.jobs).toEqual([1001]);

      await book(1001, 1002);

      await expect.poll(() => scene.alarms[0]).toBe(BEHIND);
      expect(scene.heights.at(-1)).toBe(1002);
      expect(scene.graded).toEqual([1000]);
    });

    it("ends the job of one block at once, and bears that its node is one behind for a while", async () => {
      scene.patienceMs = 200;
      running = scene.start();
      await expect.poll(() => scene.jobs).toEqual([1001]);
      await book(1001);
      await expect.poll(() => scene.heights, { interval: 5 }).toEqual([1000, 1001]);
      expect(scene.alarms).toEqual([]);

      await expect
        .poll(() => scene.alarms)
        .toEqual(["factomd is at height 1000, but 1001 is booked: see why it is behind"]);
      expect(scene.jobs).toEqual([1001]);
      scene.top = 1001;
      await expect.poll(() => scene.jobs).toEqual([1001, 1002]);
    });
  });

  it.each(["no-prices", "no-record"])(
    "makes an alarm of %s that lasts for a block, told once",
    async (code) => {
      scene.prices = false;
      scene.noPrices = new CodedError(code, "none can be made");
      scene.joblessMs = 300;
      running = scene.start();
      await expect.poll(() => scene.refusals).toEqual(["1000 none can be made"]);
      expect(scene.alarms).toEqual([]);

      await expect.poll(() => scene.alarms).toEqual(["none can be made"]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(scene.alarms).toHaveLength(1);
      scene.prices = true;
      await expect.poll(() => scene.jobs).toEqual([1001]);
    },
  );

  describe("while something takes long", () => {
    it("tells a new height although the block before is still being read, and grades one at a time", async () => {
      const slow = pending();
      scene.reading = slow.promise;
      running = scene.start();
      await expect.poll(() => scene.heights).toEqual([1000]);

      scene.top = 1001;
      await expect.poll(() => scene.heights).toEqual([1000, 1001]);
      scene.top = 1002;
      await expect.poll(() => scene.heights).toEqual([1000, 1001, 1002]);
      expect(scene.graded).toEqual([]);
      slow.end();

      await expect.poll(() => scene.jobs).toEqual([1003]);
      expect(scene.graded).toEqual([1000, 1001, 1002]);
      expect(scene.gradingAtOnce).toBe(1);
    });

    it("announces no job whose block was saved while it was settled", async () => {
      const slow = pending();
      scene.settling = slow.promise;
      running = scene.start();
      await expect.poll(async () => (await latestBlock(database.db))?.height).toBe(1000);

      scene.top = 1001;
      await expect.poll(() => scene.heights).toEqual([1000, 1001]);
      slow.end();

      await expect.poll(() => scene.jobs).toEqual([1002]);
    });

    it("renews the lease while it reads, so that no other edge begins the same work", async () => {
      const slow = pending();
      scene.reading = slow.promise;
      running = scene.start();

      await expect.poll(() => scene.renewals).toBeGreaterThan(5);
      expect(scene.graded).toEqual([]);
      slow.end();
      await expect.poll(() => scene.jobs).toEqual([1001]);
    });

    it("tells a height that another answer has shown before the node's, which is no alarm", async () => {
      const follower = scene.follower();
      running = follower.run(scene.stop.signal);
      await expect.poll(() => scene.jobs).toEqual([1001]);
      const slow = pending();
      scene.asking = slow.promise;
      await pause(20);

      scene.top = 1001;
      follower.learn(1001);
      expect(scene.heights).toEqual([1000, 1001]);
      await expect.poll(() => scene.jobs).toEqual([1001, 1002]);
      slow.end();
      await pause(50);

      expect(scene.alarms).toEqual([]);
      expect(follower.topHeight()).toBe(1001);
    });
  });

  it("raises an alarm when the edge that may book a block does not", async () => {
    scene.epoch = undefined;
    scene.patienceMs = 50;
    running = scene.start();

    await expect.poll(() => scene.alarms[0]).toContain("does not book this block");
    expect(scene.graded).toEqual([]);
  });

  it("writes nothing under an epoch that is over", async () => {
    await database.db.execute(sql`UPDATE leases SET epoch = 2`);

    const late = writeBlock(database.db, blockRow(1000), [], 1n);

    await expect(late).rejects.toMatchObject({ code: "lease-lost" });
    expect(await latestBlock(database.db)).toBeUndefined();
  });

  it("takes the same block twice and refuses another reward at its height", async () => {
    const places = [
      { position: 1, entryHash: "e", difficulty: 2n ** 64n - 1n, payout: 360n, identity: "us", ours: true },
    ];
    await writeBlock(database.db, blockRow(1000), places, 1n);

    await writeBlock(database.db, blockRow(1000), places, 1n);
    const other = writeBlock(database.db, blockRow(1000, { reward: 720n }), places, 1n);

    await expect(other).rejects.toMatchObject({ code: "block-differs" });
    expect((await readBlock(database.db, 1000))?.reward).toBe(360n);
  });
});
