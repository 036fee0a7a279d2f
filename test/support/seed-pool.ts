/** A pool that has run for a while, written by the pool's own statements: for tests of the pages, and to look at them. */

import { createHash } from "node:crypto";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { applyDelta } from "../../shared/db/deltas.ts";
import { recordSubmission } from "../../shared/db/jobs.ts";
import { adjust, recordReceipt } from "../../shared/db/payments.ts";
import type { Db } from "../../shared/db/port.ts";
import { json, sql } from "../../shared/db/port.ts";
import { insertPrices } from "../../shared/db/prices.ts";
import { SILENT } from "../../shared/logger.ts";
import { assetsOf } from "../../shared/opr/assets.ts";
import type { PriceNote } from "../../shared/prices/asset-prices.ts";
import { addressOf } from "./accounts.ts";

export interface SeedOptions {
  readonly nowMs: number;
  /** Graded blocks; the job after them runs. */
  readonly blocks: number;
  readonly blockSeconds: number;
  readonly firstHeight: number;
  /** `user/worker` and its hash rate. */
  readonly workers: Readonly<Record<string, number>>;
  /** Of everybody else. */
  readonly rivalHashrate: number;
}

export const SHARE_HASHES = 65_536;
const PLACE = 360n * 100_000_000n;

/** Numbers that look like chance and are the same at every run. */
function chance(seed: string): number {
  return createHash("sha256").update(seed).digest().readUInt32BE(0) / 2 ** 32;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Makes the users that are missing, and everything that a running pool would have written until `nowMs`. */
export async function seedPool(db: Db, options: SeedOptions): Promise<void> {
  const users = new Set(Object.keys(options.workers).map((name) => name.split("/")[0] ?? ""));
  for (const user of users) {
    await db.execute(sql`INSERT INTO users (name, payout_address) VALUES (${user}, ${addressOf(user)})
      ON CONFLICT DO NOTHING`);
  }
  const pricesId = await seedPrices(db, options.nowMs);
  const sealer = createSealer(
    { deadlineMs: 1 },
    {
      db,
      logger: SILENT,
      clock: { wallMs: () => options.nowMs, monotonicMs: () => 0, after: () => ({ stop: () => undefined }) },
    },
  );
  for (let i = 0; i <= options.blocks; i++) {
    const height = options.firstHeight + i;
    // The running job began half a block ago.
    const startMs = options.nowMs - (options.blocks - i + 0.5) * options.blockSeconds * 1000;
    await seedJob(db, height, startMs, pricesId);
    await seedWork(db, height, startMs, options);
    if (i === options.blocks) break;
    await seedBlock(db, height, startMs + options.blockSeconds * 1000, options);
  }
  await sealer.run();
  await seedMoney(db, options);
}

async function seedJob(db: Db, height: number, startMs: number, pricesId: bigint): Promise<void> {
  await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, prices_id, threshold, fee_rate, split, credit, created_at)
    SELECT ${height}::int, 5, ${hash(`opr ${height}`)}, ''::bytea, prices, id, 0, 0.05, 'largest-remainder', 'assigned',
      to_timestamp(${startMs}::float8 / 1000) FROM prices WHERE id = ${pricesId}::bigint`);
}

/** One delta a minute in the last 70 minutes, one a block before. */
async function seedWork(db: Db, height: number, startMs: number, options: SeedOptions): Promise<void> {
  const endMs = Math.min(startMs + options.blockSeconds * 1000, options.nowMs);
  const stepMs = options.nowMs - startMs < 70 * 60_000 ? 60_000 : options.blockSeconds * 1000;
  let seq = 0;
  for (let at = startMs; at < endMs; at += stepMs) {
    const seconds = Math.min(stepMs, endMs - at) / 1000;
    const rows = Object.entries(options.workers).flatMap(([name, hashrate]) => {
      const [user = "", worker = ""] = name.split("/");
      const swing = 0.85 + 0.3 * chance(`${name} ${at}`);
      const shares = Math.round((hashrate * seconds * swing) / SHARE_HASHES);
      const rejected = chance(`${name} ${at} rejected`) < 0.05 ? 1 : 0;
      if (shares === 0) return [];
      const work = String(shares * SHARE_HASHES);
      return [{ user, worker, shares, work, best: "18446744073709551615", rejected }];
    });
    const body = {
      v: 1,
      kind: "delta",
      job: height,
      slot: 0,
      epoch: 1,
      seq,
      fromMs: Math.floor(at),
      toMs: Math.floor(at),
      rows,
    };
    if (rows.length > 0) await applyDelta(db, JSON.stringify(body));
    seq++;
  }
}

async function seedBlock(db: Db, height: number, atMs: number, options: SeedOptions): Promise<void> {
  const ours = Object.values(options.workers).reduce((sum, rate) => sum + rate, 0);
  const network = (ours + options.rivalHashrate) * (0.9 + 0.2 * chance(`network ${height}`));
  const places = Array.from({ length: 50 }, (_, i) => ({
    position: i + 1,
    entryHash: hash(`entry ${height} ${i}`),
    difficulty: String(18_446_744_073_709_551_615n - BigInt(i + 1) * 10n ** 12n),
    payout: i < 25 ? PLACE.toString() : "0",
    identity: chance(`place ${height} ${i}`) < ours / network ? "Prosper" : `rival${i % 7}`,
    ours: chance(`place ${height} ${i}`) < ours / network,
  }));
  const winning = places.filter((place) => place.ours && place.position <= 25).length;
  await db.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, network_hashrate, winning, reward)
    VALUES (${height}::int, 5, ${hash(`block ${height}`)}, to_timestamp(${atMs}::float8 / 1000), 62, true, '[]',
      ${network / 0.8}::float8, ${winning}::int, ${PLACE * BigInt(winning)}::bigint)`);
  await db.execute(sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
    SELECT ${height}::int, p.position, p."entryHash", p.difficulty, p.payout, p.identity, p.ours
    FROM jsonb_to_recordset(${json(places)}::jsonb)
      AS p(position smallint, "entryHash" text, difficulty numeric, payout bigint, identity text, ours boolean)`);
  const [name = "/"] = Object.keys(options.workers);
  const [user = "", worker = ""] = name.split("/");
  for (let i = 0; i < 6; i++) {
    await recordSubmission(db, {
      entryHash: hash(`submission ${height} ${i}`),
      height,
      oprHash: hash(`opr ${height}`),
      nonce: Uint8Array.of(0, 0, 16, 1, height & 255, i),
      target: 18_446_744_073_709_551_615n - BigInt(i),
      user,
      worker,
      edge: 0,
      state: i < 4 ? "revealed" : "blocked",
      reason: i < 4 ? null : "25 better ones of this job are submitted",
    });
  }
}

/** Resolves to the id of their row. */
export async function seedPrices(db: Db, nowMs: number): Promise<bigint> {
  const prices = new Map<string, bigint>();
  const notes = new Map<string, PriceNote>();
  for (const asset of assetsOf(5)) {
    const usd = 10 ** (4 * chance(`price ${asset}`) - 1);
    prices.set(asset, BigInt(Math.round(usd * 1e8)));
    notes.set(asset, noteOf(asset, usd, nowMs));
  }
  return insertPrices(db, { atMs: nowMs - 40_000, version: 5, prices, notes });
}

function noteOf(asset: string, usd: number, nowMs: number): PriceNote {
  if (asset === "PEG" || asset === "FCT") return { basis: "carried", quotes: [] };
  if (asset === "HT") return { basis: "fixed", quotes: [] };
  if (asset === "DCR")
    return { basis: "last-good", sinceMs: nowMs - 900_000, quotes: [["Kraken", String(usd), 4000, "stale"]] };
  return {
    basis: "quotes",
    ...(asset === "XAU" ? { closed: true as const } : {}),
    quotes: [
      ["CoinGecko", String(usd), 25, "used"],
      ["Kraken", String(usd * 1.001), 61, "agreed"],
      ["CoinMarketCap", String(usd * 1.3), 12, "outside"],
    ],
  };
}

/** The first user was paid once, and got a bonus. */
async function seedMoney(db: Db, options: SeedOptions): Promise<void> {
  const [name = ""] = Object.keys(options.workers);
  const user = name.split("/")[0] ?? "";
  await adjust(db, {
    user,
    amount: 500_000_000n,
    reason: "thanks for the bug report",
    madeBy: "seed",
  });
  await recordReceipt(db, [
    { entryHash: hash("payment"), user, address: addressOf(user), amount: 300_000_000n },
  ]);
}
