/** The poller with a real database, and a devnet's feed over loopback. */

import { createServer, type Server } from "node:http";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freshPrices } from "../../../edge/chain/next-job.ts";
import { createLocalPoll, createPollHandler } from "../../../functions/poll/handler.ts";
import { type PollModules, type PollOptions, type PollResult, poll } from "../../../functions/poll/poll.ts";
import { createSourceCache } from "../../../functions/poll/source-cache.ts";
import { bigintText, json, one, sql } from "../../../shared/db/port.ts";
import {
  lastWinningPrices,
  newestNotedPrices,
  newestPrices,
  prunePrices,
} from "../../../shared/db/prices.ts";
import { SILENT } from "../../../shared/logger.ts";
import { assetsOf, onlyVersion } from "../../../shared/opr/assets.ts";
import { orderSources } from "../../../shared/prices/order.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type EagerClock, eagerClock } from "../../support/eager-clock.ts";

const NOW = Date.UTC(2026, 10, 18, 12);
const MINUTE = 60_000;

let database: TestDatabase;
let server: Server;
let baseUrl = "";
/** What the feed answers; undefined: it fails. */
let feed: Record<string, string> | undefined;
let clock: EagerClock;
let wallJumpMs = 0;
let modules: PollModules;

beforeAll(async () => {
  server = createServer((_, response) => {
    if (feed === undefined) response.writeHead(404).end();
    else response.end(JSON.stringify({ timestamp: clock.wallMs() / 1000, prices: feed }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  baseUrl = `http://127.0.0.1:${address.port}/prices`;
});

afterAll(() => {
  server.close();
});

// Blocks and jobs are append-only, so each test has a database of its own.
afterEach(() => database.drop());

beforeEach(async () => {
  database = await createTestDatabase();
  feed = Object.fromEntries(assetsOf(5).map((asset, i) => [asset, `${i + 1}.5`]));
  wallJumpMs = 0;
  const inner = eagerClock(NOW);
  clock = { ...inner, wallMs: () => inner.wallMs() + wallJumpMs };
  // The feed is real, so its reply takes turns of the event loop: the time limit must not fire meanwhile.
  const patient = { ...clock, after: () => ({ stop: () => undefined }) };
  modules = {
    fetch,
    clock: patient,
    random: (length) => new Uint8Array(length),
    db: database.db,
    logger: SILENT,
    cache: createSourceCache(),
  };
});

function options(changes: Partial<PollOptions> = {}): PollOptions {
  return {
    order: orderSources({
      priorities: { fixedusd: 0, devnet: 1 },
      overrides: {},
      keys: {},
      baseUrls: { devnet: baseUrl },
    }),
    rule: "priority",
    cacheMs: 8_000,
    lastGoodMaxMs: 30 * MINUTE,
    fixed: new Map(),
    carry: new Set(),
    activations: onlyVersion(5),
    startHeight: 1000,
    ...changes,
  };
}

function expectPriced(result: PollResult): Extract<PollResult, { kind: "priced" }> {
  if (result.kind !== "priced") throw new Error(`expected prices, got ${result.kind}`);
  return result;
}

async function writeBlock(height: number, prices: Record<string, bigint> | null): Promise<void> {
  await database.db.execute(sql`
    INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, prices, winning, reward)
    VALUES (${height}, 5, 'ab', now(), 0, ${prices !== null}, '[]', ${prices === null ? null : json(prices)}::jsonb, 0, 0)`);
}

/** As if the database's clock had jumped by `-ms` since the rows were written. */
async function shiftRows(ms: number): Promise<void> {
  await database.db.execute(
    sql`UPDATE prices SET made_at = made_at + ${ms}::float8 * interval '1 millisecond'`,
  );
}

describe("the newest row", () => {
  it("is the one with the highest number, also the tenth and the hundredth, for jobs and for the poller", async () => {
    for (let count = 1; count <= 101; count++) {
      const { id } = await one(
        database.db,
        sql`INSERT INTO prices (at, version, prices, quotes) VALUES (now(), 5, '{"USD": "100000000"}', '{}') RETURNING id::text AS id`,
        v.object({ id: bigintText }),
      );
      if (![9, 10, 11, 99, 100, 101].includes(count)) continue;
      expect((await newestPrices(database.db))?.id).toBe(id);
      expect((await newestNotedPrices(database.db))?.id).toBe(id);
    }
  });
});

describe("a poll whose clock jumps", () => {
  it.each([
    ["back", -120 * MINUTE],
    ["forward", 120 * MINUTE],
  ])("by two hours %s gives the next job its new row at once, and every one after", async (_, jumpMs) => {
    expectPriced(await poll(options(), modules));
    wallJumpMs = jumpMs;
    // Beyond the tenth row: as text, 9 would come after 10.
    for (let round = 0; round < 12; round++) {
      clock.advance(8_000);
      const { id } = expectPriced(await poll(options(), modules));
      expect((await newestPrices(database.db))?.id).toBe(id);
      expect((await freshPrices(15 * MINUTE, () => newestPrices(database.db))).id).toBe(id);
    }
  });

  it("alarms on a row from the future, makes no job of it, and writes a new one though no source is due", async () => {
    const before = expectPriced(await poll(options(), modules));
    await shiftRows(120 * MINUTE);
    const errors: string[] = [];
    modules = { ...modules, logger: { ...SILENT, error: (message) => void errors.push(message) } };

    const refused = freshPrices(15 * MINUTE, () => newestPrices(database.db));
    await expect(refused).rejects.toMatchObject({ code: "prices-future" });
    const after = expectPriced(await poll(options(), modules));

    expect(errors).toEqual(["The newest prices are from the future: the database's clock was set back"]);
    expect(after.id).toBeGreaterThan(before.id);
    expect((await freshPrices(15 * MINUTE, () => newestPrices(database.db))).id).toBe(after.id);
  });

  it("writes a new row where the database's clock went ahead of the last one", async () => {
    expectPriced(await poll(options(), modules));
    await shiftRows(-120 * MINUTE);
    expectPriced(await poll(options(), modules));
    expect(await poll(options(), modules)).toEqual({ kind: "unchanged" });
  });

  it("takes no last good price whose time is after now", async () => {
    expectPriced(await poll(options(), modules));
    delete feed?.["XBT"];
    wallJumpMs = -120 * MINUTE;
    modules = { ...modules, cache: createSourceCache() };
    expect(await poll(options(), modules)).toMatchObject({ kind: "unpriced", missing: ["XBT"] });
  });
});

describe("a poll", () => {
  it("writes a row with every asset of the version, and how each got its price", async () => {
    const result = expectPriced(await poll(options(), modules));

    const row = await newestNotedPrices(database.db);
    expect(row).toMatchObject({ id: result.id, atMs: NOW, version: 5 });
    expect(new Set(Object.keys(row?.prices ?? {}))).toEqual(new Set(assetsOf(5)));
    expect(row?.prices["USD"]).toBe(100_000_000n);
    expect(row?.prices["EUR"]).toBe(BigInt(assetsOf(5).indexOf("EUR") + 1) * 100_000_000n + 50_000_000n);
    // The devnet's feed is all there is, and shown as such.
    expect(row?.notes["EUR"]).toEqual({
      basis: "quotes",
      single: true,
      quotes: [["Devnet", "3.5", 0, "used"]],
    });
    expect(await newestPrices(database.db)).toEqual({
      id: row?.id,
      atMs: NOW,
      ageMs: expect.any(Number),
      version: 5,
      prices: row?.prices,
    });
  });

  it("changes nothing while no source is due, but writes anew for another version", async () => {
    await poll(options(), modules);
    expect(await poll(options(), modules)).toEqual({ kind: "unchanged" });
    const other = expectPriced(await poll(options({ activations: onlyVersion(2) }), modules));
    expect([other.version, other.priced.prices.get("PEG"), other.priced.prices.size]).toEqual([2, 0n, 30]);
    clock.advance(8_000);
    expectPriced(await poll(options(), modules));
  });

  it("takes the version of the height after the newest block", async () => {
    const activations = { 1: 0, 2: 0, 3: 1001, 4: 1004, 5: 1005 };
    const versions = [];
    for (const height of [undefined, 1000, 1003, 1004]) {
      if (height !== undefined) await writeBlock(height, null);
      versions.push(expectPriced(await poll(options({ activations }), modules)).version);
    }
    expect(versions).toEqual([2, 3, 4, 5]);
  });

  it("goes on with the last good price of an asset for half an hour, whatever restarts", async () => {
    expectPriced(await poll(options(), modules));
    delete feed?.["XBT"];
    const price = BigInt(assetsOf(5).indexOf("XBT") + 1) * 100_000_000n + 50_000_000n;
    for (const minutes of [15, 15]) {
      clock.advance(minutes * MINUTE);
      modules = { ...modules, cache: createSourceCache() };
      const { priced } = expectPriced(await poll(options(), modules));
      expect(priced.prices.get("XBT")).toBe(price);
      expect(priced.notes.get("XBT")).toEqual({ basis: "last-good", sinceMs: NOW, quotes: [] });
    }
    clock.advance(MINUTE);
    const result = await poll(options(), modules);
    expect(result).toEqual({ kind: "unpriced", missing: ["XBT"], failures: [] });
  });

  it("does not make old prices look new when no source answers", async () => {
    expectPriced(await poll(options(), modules));
    feed = undefined;
    clock.advance(11 * MINUTE);
    const result = await poll(options(), modules);
    expect(result).toEqual({
      kind: "unpriced",
      missing: [],
      failures: ["Devnet: 127.0.0.1 answered with status 404"],
    });
    expect((await newestPrices(database.db))?.atMs).toBe(NOW);
  });

  it("carries the last winning price of an asset without market, unless the operator has set one", async () => {
    await writeBlock(1000, { FCT: 111n, PEG: 222n });
    await writeBlock(1001, { FCT: 333n, PEG: 444n });
    await writeBlock(1002, null);
    delete feed?.["FCT"];
    delete feed?.["PEG"];
    const { priced } = expectPriced(await poll(options({ fixed: new Map([["PEG", 5n]]) }), modules));
    expect(["FCT", "PEG"].map((asset) => [priced.prices.get(asset), priced.notes.get(asset)?.basis])).toEqual(
      [
        [333n, "carried"],
        [5n, "fixed"],
      ],
    );
    expect((await lastWinningPrices(database.db))?.prices).toEqual({ FCT: 333n, PEG: 444n });
  });

  it("runs by the same handler as on Lambda", async () => {
    const run = createLocalPoll(createPollHandler(options(), modules));
    expect(await run()).toEqual({ kind: "priced", missing: [] });
    expect(await run()).toEqual({ kind: "unchanged", missing: [] });
    clock.advance(11 * MINUTE);
    feed = {};
    expect(await run()).toMatchObject({ kind: "unpriced" });
  });
});

describe("price rows", () => {
  it("are pruned by age, but the newest and those of jobs stay", async () => {
    const ids = [];
    for (let i = 0; i < 4; i++) {
      ids.push(expectPriced(await poll(options(), modules)).id);
      clock.advance(10_000);
    }
    await database.db.execute(sql`
      INSERT INTO jobs (height, version, opr_hash, opr, prices, prices_id, threshold, fee_rate, split, credit)
      VALUES (1, 5, '', '', '{}', ${ids[1] ?? 0n}::bigint, 0, 0, 'reference', 'assigned')`);

    expect(await prunePrices(database.db, MINUTE)).toBe(0);
    await shiftRows(-2 * MINUTE);
    expect(await prunePrices(database.db, MINUTE)).toBe(2);

    const left = await newestPrices(database.db);
    expect(left?.id).toBe(ids[3]);
    expect(await prunePrices(database.db, MINUTE)).toBe(0);
  });
});
