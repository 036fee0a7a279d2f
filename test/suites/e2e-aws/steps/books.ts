/** Blocks sealed, and the books they add up to. */

import * as v from "valibot";
import { expect } from "vitest";
import { type Audit, auditBooks } from "../../../../shared/audit/audit.ts";
import { bigintText, type Db, one, sql } from "../../../../shared/db/port.ts";
import { lastSealedHeight, sealedSince } from "../../../../shared/db/seals.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";

export const BLOCKS = 5;

export async function sealBlocks(pool: DeployedPool): Promise<void> {
  const paying = async (): Promise<number> =>
    (await sealedSince(pool.db, -1)).filter(({ shares, reward }) => shares > 0n && reward > 0n).length;
  await until("blocks", async () => (await paying()) >= BLOCKS, { withinMs: 170_000, everyMs: 500 });
  pool.step(`${BLOCKS} blocks with shares and rewards are sealed`);
}

/** The miners stop for it. */
export async function creditShares(pool: DeployedPool): Promise<void> {
  const { db, miners } = pool;
  await Promise.all(miners.map((miner) => miner.stop()));
  const height = await pool.newestJob();
  await until("the last mined block's seal", async () => (await lastSealedHeight(db)) >= height, {
    withinMs: 120_000,
    everyMs: 200,
  });
  const audit = await auditBooks(db);
  expect(audit.problems).toEqual([]);
  expect(audit.fee + audit.paid + audit.carried).toBe(audit.reward);
  for (const sealed of await sealedSince(db, -1))
    expect(sealed.fee + sealed.paid + sealed.carried).toBe(sealed.reward + sealed.carriedIn);
  let total = 0;
  for (const miner of miners) {
    expect(miner.open, miner.user).toBe(0);
    const accepted = Number(audit.users.get(miner.user)?.accepted ?? 0n);
    expect(accepted, miner.user).toBeGreaterThanOrEqual(miner.acknowledged);
    expect(accepted, miner.user).toBeLessThanOrEqual(miner.acknowledged + miner.unknown);
    total += miner.acknowledged;
  }
  expect(total).toBeGreaterThan(100);
  await expectStoredOnce(db, audit);
  const unknown = miners.reduce((sum, miner) => sum + miner.unknown, 0);
  pool.step(
    `${total} acknowledged shares are credited once each (${unknown} more were never answered); ${audit.blocks} blocks, ${audit.problems.length} problems`,
  );
}

/** The stored bodies, each under a key of its own, add up to what the users are credited. */
async function expectStoredOnce(db: Db, audit: Audit): Promise<void> {
  const { shares } = await one(
    db,
    sql`SELECT coalesce(sum((row ->> 'shares')::numeric), 0)::text AS shares FROM deltas, jsonb_array_elements(body::jsonb -> 'rows') AS row`,
    v.object({ shares: bigintText }),
  );
  let credited = 0n;
  for (const user of audit.users.values()) credited += user.accepted;
  expect(shares).toBe(credited);
}
