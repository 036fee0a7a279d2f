/** An edge's health through outages of an hour by its own clock: what a restart would not mend restarts nothing. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askDatabase } from "../../edge/database-probe.ts";
import { Edge } from "../../edge/edge.ts";
import { EdgeHealth, type WatchedEdge } from "../../edge/health.ts";
import { NO_METRICS } from "../../edge/stratum/metrics.ts";
import { loadConfig } from "../../infra/config/load.ts";
import { edgeOptions } from "../../infra/pool/pool-settings.ts";
import { systemRandom } from "../../shared/clock.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { answerOf, type Checks } from "../../shared/health.ts";
import { SILENT } from "../../shared/logger.ts";
import { addressOf } from "../support/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { smallHasher } from "../support/hash/small-hasher.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { memoryDisk } from "../support/memory-disk.ts";
import { pass } from "../support/turns.ts";

const HOUR_MS = 3_600_000;
/** How often ECS asks; the tests ask at every step. */
const STEP_MS = 15_000;
const TOP = 1000;

const ok = (checks: Checks): boolean => answerOf(checks).answer.ok;

describe("an edge that runs", () => {
  let database: TestDatabase;
  let clock: ManualClock;
  let edge: Edge;
  let health: EdgeHealth;
  let isAway = false;
  const fatal: CodedError[] = [];
  const stop = { controller: new AbortController(), looking: Promise.resolve() };

  beforeEach(async () => {
    isAway = false;
    fatal.length = 0;
    clock = manualClock();
    database = await createTestDatabase();
    await database.db.execute(
      sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward)
        VALUES (${TOP}::int, 5, 'ab', now(), 0, false, '[]', 0, 0)`,
    );
    const db = cutOff(database.db, () => isAway);
    const settings = {
      pegnet: { activation: 0, startheight: TOP, blockperiod: "10m", lxrbits: 8 },
      pool: { esaddress: encodeAddress("Es", new Uint8Array(32).fill(7)), oprcoinbase: addressOf("pool") },
      stratum: { host: "127.0.0.1", stratumport: 0 },
    };
    const overrides = Object.entries(settings).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]) => ({ section, key, value, from: "test" })),
    );
    const options = edgeOptions(loadConfig("no-file", { required: false, overrides }), "/data");
    edge = await Edge.create(options, {
      ...{ db, clock, random: systemRandom, logger: SILENT, metrics: NO_METRICS, disk: memoryDisk() },
      factomd: standingChain,
      // The poller has written none.
      newestPrices: async () => undefined,
      queue: { send: async () => undefined },
      auth: { authorize: async () => ({ kind: "refused", reason: "no" }) },
      hasher: smallHasher(8),
      onBlock: () => undefined,
      onFatal: (error) => void fatal.push(error),
    });
    health = new EdgeHealth({ blockMs: options.blockMs }, edge, {
      clock,
      askDatabase: () => askDatabase(db),
    });
    stop.controller = new AbortController();
    stop.looking = health.run(stop.controller.signal);
  });
  afterEach(async () => {
    stop.controller.abort();
    await edge.stop({ overMs: 0, signal: AbortSignal.abort() });
    await stop.looking;
    await database.drop();
  });

  /** Moves the clock on; the database's answers take real time. Every state seen on the way. */
  async function through(
    ms: number,
  ): Promise<{ live: Set<boolean>; ready: Set<boolean>; works: Set<boolean> }> {
    const seen = { live: new Set<boolean>(), ready: new Set<boolean>(), works: new Set<boolean>() };
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await pass(clock, STEP_MS, STEP_MS);
      await new Promise((resolve) => setTimeout(resolve, 3));
      seen.live.add(ok(health.live()));
      seen.ready.add(ok(health.ready()));
      seen.works.add(ok(health.works()));
    }
    return seen;
  }

  it("is alive before its miners can come, and ready when they can", async () => {
    expect([ok(health.live()), ok(health.ready())]).toEqual([true, false]);
    await edge.start(new AbortController().signal);
    expect([ok(health.live()), ok(health.ready())]).toEqual([true, true]);
  });

  it("is restarted by nobody in an hour without blocks and prices, nor in an hour without its database", async () => {
    await edge.start(new AbortController().signal);
    const standing = await through(HOUR_MS);
    expect(health.works()).toMatchObject({ database: "ok", job: "there is no job to mine" });
    expect(health.works()["chain"]).toMatch(/^no block after 1000 for \d+ s/);
    isAway = true;
    const away = await through(HOUR_MS);
    expect(health.works()).toMatchObject({ database: "it does not answer this edge" });
    expect(edge.desk.stats()?.leaseHeld).toBe(false);
    isAway = false;
    await through(30_000);

    for (const { live, ready, works } of [standing, away]) {
      expect([...live, ...ready]).toEqual([true, true]);
      expect([...works]).toEqual([false]);
    }
    expect(edge.desk.stats()?.leaseHeld).toBe(true);
    expect(fatal).toEqual([]);
  });
});

describe("an edge that a restart would mend", () => {
  const well: WatchedEdge = {
    isListening: true,
    isStopping: false,
    withoutJobMs: () => 0,
    stall: { stalledMs: () => undefined },
    follower: { topHeight: () => TOP, sinceRoundMs: () => 0 },
    minutes: { minute: () => 3 },
    desk: { stats: () => ({ leaseHeld: true, journalStuckMs: 0 }) },
  };
  const lost: WatchedEdge["desk"] = { stats: () => ({ leaseHeld: false, journalStuckMs: 0 }) };
  const still: WatchedEdge["follower"] = { topHeight: () => TOP, sinceRoundMs: () => 11 * 60_000 };

  /** What `/livez` says after six minutes of it. */
  async function livesWith(
    edge: Partial<WatchedEdge>,
    database: () => Promise<void> = async () => undefined,
  ): Promise<string[]> {
    const clock = manualClock();
    const watched = { ...well, ...edge };
    const health = new EdgeHealth({ blockMs: 600_000 }, watched, { clock, askDatabase: database });
    const end = new AbortController();
    const running = health.run(end.signal);
    await pass(clock, 360_000, 15_000);
    end.abort();
    await running;
    return Object.entries(health.live()).flatMap(([name, state]) => (state === "ok" ? [] : [name]));
  }
  const away = (): Promise<void> => Promise.reject(new CodedError("db-away", "away"));

  it("has a closed port, a write that never ends, a lost lease or a follower that stands still", async () => {
    expect(await livesWith({})).toEqual([]);
    expect(await livesWith({ isListening: false })).toEqual(["listener"]);
    const stuck = { stats: () => ({ leaseHeld: true, journalStuckMs: 60_000 }) };
    expect(await livesWith({ desk: stuck })).toEqual(["journal"]);
    expect(await livesWith({ desk: lost })).toEqual(["lease"]);
    expect(await livesWith({ follower: still })).toEqual(["follower"]);
  });

  it("is judged by lease and follower only while database and factomd answer it", async () => {
    expect(await livesWith({ desk: lost }, away)).toEqual([]);
    expect(await livesWith({ follower: still }, away)).toEqual([]);
    expect(await livesWith({ follower: still, minutes: { minute: () => undefined } })).toEqual([]);
  });

  it("is none that starts, and none that stops", async () => {
    expect(await livesWith({ isListening: undefined, desk: { stats: () => undefined } })).toEqual([]);
    expect(await livesWith({ isListening: false, isStopping: true, desk: lost })).toEqual([]);
  });

  it("is healthy between two jobs, not in a gap that lasts nor before the first job", () => {
    const job = (withoutJobMs: number | undefined, blockMs = 10_000): string | undefined =>
      new EdgeHealth(
        { blockMs },
        { ...well, withoutJobMs: () => withoutJobMs },
        { clock: manualClock(), askDatabase: away },
      ).works()["job"];
    expect([job(0), job(9_000), job(59_000, 600_000)]).toEqual(["ok", "ok", "ok"]);
    expect([job(undefined), job(11_000), job(61_000, 600_000)]).toEqual(
      Array.from({ length: 3 }, () => "there is no job to mine"),
    );
  });

  it("names the last block and the time since where the chain stands still", () => {
    const chain = (stalledMs?: number): string | undefined =>
      new EdgeHealth(
        { blockMs: 10_000 },
        { ...well, stall: { stalledMs: () => stalledMs } },
        { clock: manualClock(), askDatabase: away },
      ).works()["chain"];
    expect(chain()).toBe("ok");
    expect(chain(70_000)).toMatch(/^no block after 1000 for 70 s: /);
  });
});

/** The database, or what a pool says whose database is away. */
function cutOff(db: Db, isAway: () => boolean): Db {
  const unless = <T>(work: () => Promise<T>): Promise<T> =>
    isAway() ? Promise.reject(new CodedError("db-away", "database: connection refused")) : work();
  return {
    ...db,
    query: (statement, row) => unless(() => db.query(statement, row)),
    execute: (statement) => unless(() => db.execute(statement)),
    transaction: (work) => unless(() => db.transaction(work)),
  };
}

/** A node that answers and whose chain stands still. */
const none = (): Promise<never> => Promise.reject(new CodedError("factomd-reply", "not asked in this test"));
const standingChain: Factomd = {
  heights: async () => ({ directoryBlock: TOP, leader: TOP + 1, entry: TOP }),
  currentMinute: async () => ({
    leaderHeight: TOP + 1,
    directoryBlockHeight: TOP,
    minute: 3,
    blockSeconds: 600,
  }),
  dblockByHeight: none,
  entryBlock: none,
  entry: none,
  rawData: none,
  chainHead: none,
  commitEntry: none,
  revealEntry: none,
  commitChain: none,
  revealChain: none,
  ack: none,
  pendingEntries: none,
  entryCreditBalance: none,
};
