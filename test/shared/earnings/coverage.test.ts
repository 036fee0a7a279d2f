import { describe, expect, it } from "vitest";
import { storedRate } from "../../../shared/accounting/fee.ts";
import { type EarningBlock, earningsByPeriod } from "../../../shared/earnings/earnings.ts";
import { type FairPool, fairBlock } from "../../support/fair-pool.ts";
import { Chance } from "../../support/random.ts";

const PLACE = 20_000_000_000n;
const DAY_MS = 86_400_000;
const BLOCKS_A_DAY = 144;
/** As many days at once as a page shows. */
const DAYS = 30;
const MONTHS = 10;
const RATE = storedRate("0.05000000");

/** Months of a user who does a third of a pool's work, each read as its page reads it. */
function months(pool: FairPool, seed: number): { covered: number; bias: number; sumsCovered: number } {
  const chance = new Chance(seed);
  const [days, sums] = [
    [0, 0],
    [0, 0],
  ];
  let [expected, booked] = [0, 0];
  for (let month = 0; month < MONTHS; month++) {
    const blocks = Array.from({ length: DAYS * BLOCKS_A_DAY }, (_, i) => earned(pool, i, chance));
    const periods = earningsByPeriod(blocks, DAY_MS);
    for (const { booked: came, low, high, sum } of periods) {
      days[0] = (days[0] ?? 0) + 1;
      if (came >= low && came <= high) days[1] = (days[1] ?? 0) + 1;
      sums[0] = (sums[0] ?? 0) + 1;
      if (sum.booked >= sum.low && sum.booked <= sum.high) sums[1] = (sums[1] ?? 0) + 1;
    }
    expected += Number(periods.at(-1)?.sum.expected ?? 0n);
    booked += Number(periods.at(-1)?.sum.booked ?? 0n);
  }
  return {
    covered: (days[1] ?? 0) / (days[0] ?? 1),
    sumsCovered: (sums[1] ?? 0) / (sums[0] ?? 1),
    bias: expected / booked - 1,
  };
}

function earned(pool: FairPool, i: number, chance: Chance): EarningBlock {
  const block = fairBlock(pool, chance);
  const poolWork = BigInt(block.hashes);
  const userWork = poolWork / 3n;
  const net = (PLACE * BigInt(block.won) * 95n) / 100n;
  return {
    ...block,
    ...{ height: i, atMs: i * 600_000, payouts: 25n * PLACE, rate: RATE, carriedIn: 0n, userWork, poolWork },
    booked: poolWork === 0n ? 0n : (net * userWork) / poolWork,
  };
}

const PARTS = [0.005, 0.05, 0.2, 0.6, 0.9];
const CASES = PARTS.flatMap((part) =>
  (["alone", "bunched"] as const).flatMap((grading) =>
    // Of blocks from before it was written down whose entries they are.
    (part === 0.05 || part === 0.6 ? [true, false] : [true]).map((recorded) => ({ part, grading, recorded })),
  ),
);

describe("the band of a fair day", () => {
  it.each(CASES)(
    "holds 95 in 100 of them: $part of the network, graded $grading, recorded $recorded",
    {
      timeout: 60_000,
    },
    (one) => {
      const pool = { ...one, networkHashes: 1e9, shareHashes: 100_000 };
      const { covered, sumsCovered, bias } = months(pool, 7);
      console.log(
        `part ${one.part}, ${one.grading}, ${one.recorded ? "recorded" : "not recorded"}: ${(100 * covered).toFixed(1)} % of ${DAYS * MONTHS} days, ${(100 * sumsCovered).toFixed(1)} % of sums, expected/booked ${(100 * bias).toFixed(2)} %`,
      );
      expect(Math.abs(bias)).toBeLessThan(0.02);
      expect(covered).toBeGreaterThan(0.92);
      expect(covered).toBeLessThan(0.99);
    },
  );
});
