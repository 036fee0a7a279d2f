import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockHashrate,
  inNetwork,
  luckOf,
  pendingEstimate,
} from "../../../../functions/api/figures/estimates.ts";
import { feeOf, feeRate, formatRate, RATE_ONE, storedRate } from "../../../../shared/accounting/fee.ts";
import type { BlockWithJob } from "../../../../shared/db/stats.ts";
import { type FairPool, fairBlock } from "../../../support/fair-pool.ts";
import { Chance } from "../../../support/random.ts";

const job = (rate: string) => ({
  height: 1,
  feeRate: rate,
  reward: null,
  poolWork: 1n,
  work: 1n,
  shares: 1n,
});

describe("what a user may get from a job that is not sealed", () => {
  it("is the reward without the very fee that its seal will take", () => {
    const rates = fc.bigInt({ min: 0n, max: RATE_ONE - 1n }).map(feeRate);
    fc.assert(
      fc.property(rates, fc.bigInt({ min: 0n, max: 10n ** 15n }), (rate, reward) => {
        expect(storedRate(formatRate(rate))).toBe(rate);
        expect(pendingEstimate(job(formatRate(rate)), reward)).toBe(reward - feeOf(1, reward, rate));
      }),
    );
  });

  it.each(["1.05000000", "0.05", "", "-0.05000000", "0.050000000"])(
    "is not guessed from %j, which is no rate that a job can have",
    (rate) => {
      expect(() => pendingEstimate(job(rate), 100n)).toThrow("fee rate: expected 0 and 8 decimals");
    },
  );
});

describe("the luck that is shown", () => {
  const BLOCK_SECONDS = 600;
  const HASHES = 1e9;

  /** Blocks of a fair network in which the pool has `part`. */
  const blocksOf = (part: number, count: number, seed: number): BlockWithJob[] => {
    const chance = new Chance(seed);
    const pool: FairPool = {
      networkHashes: HASHES,
      part,
      shareHashes: 50_000,
      grading: "bunched",
      recorded: true,
    };
    return Array.from({ length: count }, (_, i) => {
      const seen = fairBlock(pool, chance);
      return {
        ...{ height: 1000 - i, version: 5, keyMr: "", atMs: 0, entries: 60, graded: true, winning: seen.won },
        ...{ reward: 20_000_000_000n * BigInt(seen.won), payouts: 500_000_000_000n, places: [] },
        state: "sealed",
        credit: "assigned",
        ...{
          networkHashrate: seen.networkHashes / 480,
          gradedEntries: seen.graded,
          gradedOthers: seen.others,
        },
        ...{ shares: BigInt(seen.shares), work: BigInt(seen.hashes), fee: 0n, paid: 0n },
        ...{ carriedIn: 0n, carried: 0n, root: null, forced: false, jobAtMs: 0, nextJobAtMs: 600_000 },
      } satisfies BlockWithJob;
    });
  };

  it("is within twice its deviation of 100 % on 95 of 100 fair days, and right on average", () => {
    const days = Array.from({ length: 300 }, (_, day) => luckOf(blocksOf(0.2, 144, day + 1), BLOCK_SECONDS));
    const within = days.filter(
      ({ places, expectedPlaces, deviation }) => Math.abs(places - expectedPlaces) <= 1.96 * deviation,
    ).length;
    const mean = days.reduce((sum, { percent }) => sum + (percent ?? Number.NaN), 0) / days.length;
    console.log(
      `luck: ${((100 * within) / days.length).toFixed(1)} % of fair days within 1.96 σ, mean ${mean.toFixed(1)} %`,
    );

    expect(within / days.length).toBeGreaterThan(0.92);
    expect(within / days.length).toBeLessThan(0.985);
    expect(mean).toBeGreaterThan(97);
    expect(mean).toBeLessThan(103);
  });

  it("has no figure where it says nothing: of few blocks, of few places, of a pool that is nearly alone", () => {
    expect(luckOf(blocksOf(0.2, 11, 1), BLOCK_SECONDS).percent).toBeNull();
    expect(luckOf(blocksOf(0.001, 12, 1), BLOCK_SECONDS).percent).toBeNull();
    expect(luckOf(blocksOf(0.97, 144, 1), BLOCK_SECONDS).percent).toBeNull();
    expect(luckOf([], BLOCK_SECONDS).percent).toBeNull();
  });

  it.each([0.05, 0.5, 0.95, 1])(
    "never shows a pool with %d of the network above it, block by block",
    (part) => {
      for (const block of blocksOf(part, 144, 3)) {
        const { networkHashrate, expectedPlaces } = inNetwork(block, BLOCK_SECONDS);
        expect(networkHashrate).toBeGreaterThanOrEqual(blockHashrate(block) ?? 0);
        expect(expectedPlaces).toBeLessThanOrEqual(25);
      }
    },
  );
});
