/** Single parts of a pool, each in a process of its own, on a real database and a real devnet. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../../infra/config/load.ts";
import { type Devnet, startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { startAccountant, startAuth, startSync } from "../../../infra/pool/single-parts.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { type BlockRow, latestBlock } from "../../../shared/db/blocks.ts";
import { sql } from "../../../shared/db/port.ts";
import type { SealedBlock } from "../../../shared/db/seals.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

const BLOCK_MS = 500;
const override = (section: string, key: string, value: unknown) => ({ section, key, value, from: "--test" });
const config = loadConfig("none.toml", {
  required: false,
  overrides: [
    override("pool", "oprcoinbase", encodeAddress("FA", new Uint8Array(32).fill(1))),
    override("pegnet", "activation", 0),
    override("pegnet", "startheight", 1000),
    override("pegnet", "blockperiod", `${BLOCK_MS}ms`),
    override("web", "port", 0),
    override("web", "host", "127.0.0.1"),
  ],
});
const system = { clock: systemClock, random: systemRandom, logger: SILENT };

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), "prosper-parts-"));
});
afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

describe("sync", () => {
  const hasher = smallHasher(8);
  let devnet: Devnet;
  beforeEach(async () => {
    devnet = await startDevnet(
      { ...DEVNET_DEFAULTS, blockMs: BLOCK_MS, rivalHashes: 300 },
      { ...system, hasher },
    );
  });
  afterEach(() => devnet.stop());

  /** Follows until `count` blocks are booked. */
  async function follow(count: number): Promise<BlockRow[]> {
    const booked: BlockRow[] = [];
    const enough = Promise.withResolvers<void>();
    const factomd = createFactomd({ url: devnet.factomdUrl, timeoutMs: 5000 }, { fetch, ...system });
    const sync = await startSync(
      { config, dataDir: folder },
      {
        ...{ ...system, db: database.db, factomd, hasher },
        onBlock: (row) => {
          booked.push(row);
          if (booked.length === count) enough.resolve();
        },
      },
    );
    await enough.promise;
    await sync.stop();
    return booked;
  }

  it("grades and books every block once, in order, and goes on from there after a restart", async () => {
    const first = await follow(2);
    const second = await follow(2);

    const booked = [...first, ...second];
    expect(booked.map(({ height }) => height)).toEqual(booked.map((_, i) => 1000 + i));
    expect(booked.every(({ graded, reward }) => graded && reward === 0n)).toBe(true);
    expect((await latestBlock(database.db))?.height).toBe(booked.at(-1)?.height);
  });

  it("makes no job: that is for an edge", async () => {
    await follow(2);

    expect(await text(database.db, sql`SELECT count(*) FROM blocks`)).not.toBe("0");
    expect(await text(database.db, sql`SELECT count(*) FROM jobs`)).toBe("0");
  });
});

describe("the accountant", () => {
  it("seals what others have applied and booked, in height order", async () => {
    const { db } = database;
    for (const height of [10, 11, 12]) await addJob(db, height);
    for (const height of [10, 11]) await addBlock(db, height, 1000n);
    const sealed: SealedBlock[] = [];

    const accountant = await startAccountant(
      { config, dataDir: folder },
      { ...system, db, onSealed: (block) => sealed.push(block) },
    );
    await expect.poll(() => sealed.map(({ height }) => height)).toEqual([10, 11]);
    await accountant.stop();

    // Nobody mined: what is left of each reward after the fee of 5 % is carried.
    expect(sealed.map(({ carried }) => carried)).toEqual([950n, 1900n]);
  });
});

describe("auth", () => {
  it("serves the pages without an edge, with an administrator and an invite code at the first start", async () => {
    const first = await startAuth({ config, version: "1.2.3" }, { ...system, db: database.db });
    const page = await fetch(first.web);
    const health = await fetch(`${first.web}/healthz`);
    await first.stop();
    const second = await startAuth({ config, version: "1.2.3" }, { ...system, db: database.db });
    await second.stop();

    expect(page.status).toBe(200);
    expect(health.status).toBe(200);
    expect(first.admin?.name).toMatch(/^admin-/);
    expect(second.admin).toBeUndefined();
    expect(second.inviteCode).toBe(first.inviteCode);
    await expect(fetch(first.web)).rejects.toThrow();
  });
});
