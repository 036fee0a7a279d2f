/** Follower, minute keeper and reader on a devnet that needs long for each call, put together as edge/edge.ts does. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { createFollower } from "../../../edge/chain/follower.ts";
import { createMinuteKeeper } from "../../../edge/chain/minutes.ts";
import { createBlockReader } from "../../../edge/chain/reader.ts";
import { type Devnet, startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertJob } from "../../../shared/db/jobs.ts";
import { sql } from "../../../shared/db/port.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

const BLOCK_MS = 2_000;
const DELAY_MS = 150;

let database: TestDatabase;
let devnet: Devnet;
beforeEach(async () => {
  database = await createTestDatabase();
  await database.db.execute(sql`INSERT INTO leases VALUES ('chain', 'me', 1, now() + interval '1 hour')`);
  devnet = await startDevnet(
    { ...DEVNET_DEFAULTS, blockMs: BLOCK_MS, rivalHashes: 300, delayMs: DELAY_MS },
    { clock: systemClock, random: systemRandom, logger: SILENT, hasher: smallHasher(8) },
  );
});
afterEach(async () => {
  await devnet.stop();
  await database.drop();
});

it("each block is heard of before it is read, no job is announced after its end, and savings begin and end in turn", async () => {
  const factomd = createFactomd(
    { url: devnet.factomdUrl, timeoutMs: 5_000 },
    { fetch, clock: systemClock, random: systemRandom },
  );
  const reader = createBlockReader({ factomd, clock: systemClock });
  const events: { kind: "height" | "read" | "job" | "saving" | "over"; height: number }[] = [];
  const modules = { clock: systemClock, logger: SILENT };
  const keeper = createMinuteKeeper(
    { blockMs: BLOCK_MS },
    { ...modules, currentMinute: () => factomd.currentMinute() },
    {
      onSaving: (saving) =>
        void events.push({ kind: saving ? "saving" : "over", height: follower.topHeight() ?? 0 }),
      onHeight: (height) => follower.learn(height),
    },
  );
  const follower = createFollower(
    {
      ...{ startHeight: 1000, pollMs: BLOCK_MS / 50, retryMs: BLOCK_MS / 10 },
      ...{ patienceMs: BLOCK_MS, joblessMs: BLOCK_MS },
    },
    {
      ...modules,
      db: database.db,
      topHeight: async () => (await factomd.heights()).directoryBlock,
      readBlock: (height, signal) => reader.read(height, signal),
      grade: async (block) => {
        events.push({ kind: "read", height: block.height });
        const { height, keyMr, timestamp: at } = block;
        return {
          row: {
            ...{ height, keyMr, at, version: 5, entries: block.entries.length, graded: false, winners: [] },
            ...{ prices: null, minTarget: null, ema: null, networkHashrate: null, winning: 0, reward: 0n },
          },
          places: [],
        };
      },
      lease: { hold: async () => 1n },
      makeJob: ({ height }) =>
        insertJob(
          database.db,
          {
            ...{
              height: height + 1,
              version: 5,
              oprHash: "ab".repeat(32),
              opr: Uint8Array.of(1),
              prices: {},
            },
            ...{ threshold: 0n, feeRate: "0.05000000", split: "largest-remainder", credit: "assigned" },
          },
          null,
        ),
    },
    {
      onHeight: (height) => {
        events.push({ kind: "height", height });
        keeper.saved(height);
      },
      onJob: async ({ height }) => void events.push({ kind: "job", height }),
      onNoJob: () => undefined,
      onBlock: () => undefined,
    },
  );
  const stop = new AbortController();
  const running = Promise.all([keeper.run(stop.signal), follower.run(stop.signal)]);
  await expect.poll(() => events.filter(({ kind }) => kind === "job").length, { timeout: 30_000 }).toBe(4);
  stop.abort();
  await running;

  const at = (kind: string, height: number): number =>
    events.findIndex((one) => one.kind === kind && one.height === height);
  for (const { height } of events.filter(({ kind }) => kind === "read"))
    expect(at("height", height)).toBeLessThan(at("read", height));
  for (const { height } of events.filter(({ kind }) => kind === "job")) {
    const over = at("height", height);
    expect(over === -1 || over > at("job", height)).toBe(true);
  }
  // On changes only.
  const told = events.filter(({ kind }) => kind === "saving" || kind === "over").map(({ kind }) => kind);
  expect(told).toEqual(told.map((_, i) => (i % 2 === 0 ? "saving" : "over")));
  const reads = events.filter(({ kind }) => kind === "read").map(({ height }) => height);
  expect(reads).toEqual(reads.map((_, i) => 1000 + i));
});
