/** What the pool shows everybody: its figures, blocks, records, archive and roots. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { createArchiver } from "../../../../functions/janitor/archiver.ts";
import { folderStore } from "../../../../shared/archive/folder-store.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { sql } from "../../../../shared/db/port.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { sha256Hex } from "../../../../shared/sha256.ts";
import { BLOCKS, createTestApi, FIRST_HEIGHT, get, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let visitor: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  visitor = testClient(api.handler);
});
afterAll(() => api.database.drop());

describe("GET /api/archive", () => {
  it("lists the files in their order, each hashed onto the one before", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prosper-archive-"));
    const modules = { db: api.database.db, store: folderStore(folder), clock: systemClock, logger: SILENT };
    const { files: written } = await createArchiver({ afterMs: 0, runMs: 60_000 }, modules)();
    rmSync(folder, { recursive: true });

    let [chain, after] = ["", 0];
    for (let next: number | null = 0; next !== null; ) {
      const page: v.InferOutput<typeof VIEWS.ArchiveList> = await get(
        visitor,
        "/api/archive",
        VIEWS.ArchiveList,
        `limit=4&after=${after}`,
      );
      for (const { no, height, part, deltas, root, keysSha256, sha256, ...file } of page.files) {
        chain = sha256Hex(`${chain}\n${no} ${height} ${part} ${deltas} ${root} ${keysSha256} ${sha256}`);
        expect(file.chain).toBe(chain);
        after = no;
      }
      next = page.next;
    }
    expect(after).toBe(written);
    expect(written).toBeGreaterThan(4);
  });
});

describe("GET /api/pool", () => {
  it("shows hash rates, miners, the running job, the last blocks and how to connect", async () => {
    const pool = await get(visitor, "/api/pool", VIEWS.Pool);

    expect(pool).toMatchObject({
      miners: 2,
      workers: 3,
      connections: 3,
      minute: 4,
      height: 1011,
      feeRate: "0.05000000",
    });
    expect(pool.poolHashrate).toBeGreaterThan(85_000);
    expect(pool.poolHashrate).toBeLessThan(115_000);
    expect(pool.networkHashrate).toBeGreaterThan(220_000);
    expect(pool.job?.height).toBe(FIRST_HEIGHT + BLOCKS);
    expect(pool.blocks.map((block) => block.height)).toEqual(
      Array.from({ length: BLOCKS }, (_, i) => FIRST_HEIGHT + BLOCKS - 1 - i),
    );
    expect(pool.connect.stratum).toBe("pool.example:1234");
  });

  it("tells of each price where it comes from", async () => {
    const { job } = await get(visitor, "/api/pool", VIEWS.Pool);

    const of = (asset: string) => job?.prices.find((price) => price.asset === asset);
    expect(job?.prices).toHaveLength(62);
    expect(job?.prices[0]?.asset).toBe("PEG");
    expect(of("EUR")).toMatchObject({ basis: "quotes", source: "CoinGecko", agreeing: 2, closed: false });
    expect(of("XAU")).toMatchObject({ basis: "quotes", closed: true });
    expect(of("PEG")).toMatchObject({ basis: "carried", source: null, agreeing: 0 });
    expect(of("DCR")).toMatchObject({ basis: "last-good", pricedAt: expect.any(String) });
  });

  it("reckons luck from our part of the network's work", async () => {
    const { luck, blocks } = await get(visitor, "/api/pool", VIEWS.Pool);

    expect(luck.blocks).toBe(BLOCKS);
    expect(luck.places).toBe(blocks.reduce((sum, block) => sum + block.winning, 0));
    // Half of the hash rate, half of the 25 places.
    expect(luck.expectedPlaces / BLOCKS).toBeGreaterThan(11);
    expect(luck.expectedPlaces / BLOCKS).toBeLessThan(14);
    expect(luck.percent).toBeCloseTo((100 * luck.places) / luck.expectedPlaces, 6);
    expect(BigInt(luck.reward)).toBe(BigInt(luck.places) * 36_000_000_000n);
  });

  it("keeps the books in sight: fee, paid and carry make up the reward of every block", async () => {
    const { blocks } = await get(visitor, "/api/blocks", VIEWS.BlockList);

    expect(blocks).toHaveLength(BLOCKS);
    for (const block of blocks) {
      expect(block.state).toBe("sealed");
      const [fee, paid, carried, carriedIn] = [block.fee, block.paid, block.carried, block.carriedIn].map(
        (x) => BigInt(x ?? 0),
      );
      expect((fee ?? 0n) + (paid ?? 0n) + (carried ?? 0n)).toBe(BigInt(block.reward) + (carriedIn ?? 0n));
      expect(block.places).toHaveLength(block.winning);
    }
  });

  it("is gathered at most once a second however many look", async () => {
    const fresh = await createTestApi({ seeded: false });
    const statements: string[] = [];
    const db = {
      ...fresh.modules.db,
      query: ((statement, row) => {
        statements.push(statement.text);
        return fresh.modules.db.query(statement, row);
      }) satisfies typeof fresh.modules.db.query,
    };
    const { createApiHandler } = await import("../../../../functions/api/handler.ts");
    const client = testClient(createApiHandler(fresh.options, { ...fresh.modules, db }));

    await Promise.all(Array.from({ length: 100 }, () => client.send("GET", "/api/pool")));
    const first = statements.length;
    fresh.clock.advance(1001);
    await client.send("GET", "/api/pool");

    expect(first).toBeLessThanOrEqual(5);
    expect(statements.length).toBeGreaterThan(first);
    await fresh.database.drop();
  });

  it("has an answer on a pool that has no block and no miner yet", async () => {
    const fresh = await createTestApi({ seeded: false });
    const client = testClient(fresh.handler);

    const pool = await get(client, "/api/pool", VIEWS.Pool);

    expect(pool).toMatchObject({
      poolHashrate: 0,
      networkHashrate: null,
      miners: 0,
      job: null,
      blocks: [],
      feeRate: null,
    });
    expect(pool.luck.percent).toBeNull();
    expect((await get(client, "/api/pool/history", VIEWS.History)).blocks).toEqual([]);
    expect(
      (await get(client, "/api/pool/hashrate", VIEWS.Hashrate)).points.every(([, rate]) => rate === null),
    ).toBe(true);
    expect((await client.json("GET", "/api/pool/quotes")).status).toBe(404);
    await fresh.database.drop();
  });
});

describe("hash rates after a clock was set back", () => {
  it("count no minute from the future, so that none is a multiple of the true one", async () => {
    const jumped = await createTestApi();
    jumped.clock.advance(-30 * 60_000);
    const { poolHashrate } = await get(testClient(jumped.handler), "/api/pool", VIEWS.Pool);

    expect(poolHashrate).toBeGreaterThan(70_000);
    expect(poolHashrate).toBeLessThan(130_000);
    await jumped.database.drop();
  });
});

describe("series and pages", () => {
  it("gives the hash rate of the last hour by minute, without the running minute", async () => {
    const { points } = await get(visitor, "/api/pool/hashrate", VIEWS.Hashrate);

    expect(points).toHaveLength(60);
    const rates = points.map(([, rate]) => rate ?? 0);
    expect(Math.min(...rates)).toBeGreaterThan(80_000);
    expect(Math.max(...rates)).toBeLessThan(120_000);
  });

  it("turns pages by height without gap or repetition", async () => {
    const heights: number[] = [];
    let before: number | null = null;
    do {
      const query: string = before === null ? "limit=5" : `limit=5&before=${before}`;
      const page = await get(visitor, "/api/blocks", VIEWS.BlockList, query);
      heights.push(...page.blocks.map((block) => block.height));
      before = page.next;
    } while (before !== null);

    expect(heights).toEqual(Array.from({ length: BLOCKS }, (_, i) => FIRST_HEIGHT + BLOCKS - 1 - i));
  });

  it("turns pages of submissions between blocks", async () => {
    const hashes = new Set<string>();
    let before: number | null = null;
    let pages = 0;
    do {
      const query: string = before === null ? "limit=20" : `limit=20&before=${before}`;
      const page = await get(visitor, "/api/submissions", VIEWS.SubmissionList, query);
      for (const row of page.submissions) hashes.add(row.entryHash);
      before = page.next;
      pages++;
    } while (before !== null);

    expect(hashes.size).toBe(6 * BLOCKS);
    expect(pages).toBe(4);
  });

  it("shows one block with all graded records, and 404 for others", async () => {
    const detail = await get(visitor, `/api/blocks/${FIRST_HEIGHT}`, VIEWS.BlockDetail);

    expect(detail.winners).toHaveLength(50);
    const paid = detail.winners.filter((place) => place.ours && place.payout !== "0");
    expect(paid.map((place) => place.position)).toEqual(detail.block.places);
    for (const height of ["1", "x", "99999999999", "1000.5"])
      expect((await visitor.json("GET", `/api/blocks/${height}`)).status).toBe(404);
  });

  it("refuses what is no limit or height, naming it [G14]", async () => {
    for (const query of [
      "limit=0",
      "limit=201",
      "limit=-1",
      "limit=1e9",
      "before=x",
      "before=99999999999",
      "colour=red",
      "limit=1;drop",
    ]) {
      const { status, body } = await visitor.json("GET", "/api/blocks", { query });
      expect(status, query).toBe(400);
      expect(v.parse(VIEWS.Error, body).error.message).toMatch(/^query/);
    }
  });
});

describe("GET /api/roots", () => {
  it("says where the chain stands, and that of a block what the chain says of it", async () => {
    const nothing = {
      chainId: null,
      readThrough: null,
      lastHeight: null,
      waiting: 0,
      creditsADay: 0,
      wrong: [],
    };
    expect(await get(visitor, "/api/roots", VIEWS.Roots)).toEqual(nothing);
    expect((await get(visitor, "/api/blocks/1003", VIEWS.BlockDetail)).chain).toEqual([]);

    const { db } = api.database;
    await db.execute(sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES ('cc', 'key', 1010)`);
    await db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT height, 'entry' || height, height + 2, 0, CASE height WHEN 1004 THEN 'other' ELSE root END, reward, carried_in, fee, paid, carried, ''
      FROM jobs WHERE height IN (1003, 1004)
      UNION ALL SELECT height, 'later', height + 5, 0, root, reward, carried_in, fee, paid, carried, 'other' FROM jobs WHERE height = 1003`);

    expect((await get(visitor, "/api/blocks/1003", VIEWS.BlockDetail)).chain).toMatchObject([
      { entryHash: "entry1003", directoryBlock: 1005, isSame: true, isRepeated: true },
      { entryHash: "later", directoryBlock: 1008, isSame: true, isRepeated: false },
    ]);
    expect((await get(visitor, "/api/blocks/1004", VIEWS.BlockDetail)).chain).toMatchObject([
      { root: "other", isSame: false, isRepeated: true },
    ]);
    api.clock.advance(31_000);
    expect(await get(visitor, "/api/roots", VIEWS.Roots)).toEqual({
      ...nothing,
      ...{ chainId: "cc", readThrough: 1010, lastHeight: 1004, waiting: BLOCKS - 5, wrong: [1003, 1004] },
    });
  });
});
