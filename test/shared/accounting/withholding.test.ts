import { describe, expect, it } from "vitest";
import {
  ALARM_CHANCE,
  chanceOfAtMost,
  deviation,
  expectedHits,
  type Hits,
  hitsOf,
  isAlarm,
  LOOKS,
  tallyOf,
  UNJUDGED,
  type Withholding,
  withBlock,
} from "../../../shared/accounting/withholding.ts";
import { HASH_SPACE } from "../../../shared/difficulty/target.ts";
import { Chance } from "../../support/random.ts";

const BLOCKS_A_YEAR = 52_560;
const top = 1n << 64n;
/** The target that stands for 2^n hashes. */
const targetOf = (n: number): bigint => top - (top >> BigInt(n));

/** A Poisson variable, by the times between its events; large means in parts. */
function poisson(mean: number, chance: Chance): number {
  let count = 0;
  for (let rest = mean; rest > 0; rest -= 30) {
    const limit = Math.exp(-Math.min(rest, 30));
    for (let product = chance.unit(); product > limit; product *= chance.unit()) count++;
  }
  return count;
}

const due = (hits: number): bigint => (BigInt(Math.round(hits * 1e6)) * HASH_SPACE) / 1_000_000n;

/** The most hits that are as rare as `alpha`, and how rare those really are. */
function cutoff(mean: number, alpha: number): { hits: number; chance: number } {
  let hits = -1;
  while (chanceOfAtMost(hits + 1, mean) <= alpha) hits++;
  return { hits, chance: chanceOfAtMost(hits, mean) };
}

describe("what a share says about its miner", () => {
  const threshold = targetOf(20);

  it("is its work and whether it reached the threshold in time, where its target lies below that", () => {
    const assigned = targetOf(10);
    const share = { assigned, reached: threshold + 1n, late: false };
    expect(tallyOf(share, threshold)).toEqual({ judged: 1024n, sent: 1 });
    expect(tallyOf({ ...share, reached: threshold }, threshold)).toEqual({ judged: 1024n, sent: 0 });
    expect(tallyOf({ ...share, late: true }, threshold)).toEqual({ judged: 1024n, sent: 0 });
  });

  it("is nothing where the target alone reaches the threshold, or there is none", () => {
    const share = { assigned: threshold, reached: top - 1n, late: false };
    expect(tallyOf(share, threshold)).toEqual({ judged: 0n, sent: 0 });
    expect(tallyOf({ ...share, assigned: 0n }, 0n)).toEqual({ judged: 0n, sent: 0 });
  });

  it("adds up to the hits that real hashing gives, whatever the targets", () => {
    const chance = new Chance(7);
    let [judged, sent] = [0n, 0];
    for (let n = 0; n < 400_000; n++) {
      const reached = BigInt(Math.floor(chance.unit() * 2 ** 32)) << 32n;
      const assigned = targetOf(n % 8);
      if (reached < assigned) continue;
      const tally = tallyOf({ assigned, reached, late: false }, targetOf(9));
      judged += tally.judged;
      sent += tally.sent;
    }
    const expected = hitsOf(expectedHits(judged, targetOf(9)));
    expect(Math.abs(sent - expected)).toBeLessThan(4 * Math.sqrt(expected));
    expect(expected).toBeGreaterThan(700);
  });
});

describe("the chance of so few hits", () => {
  it("is that of a Poisson variable, to the last digits, also far out", () => {
    expect(chanceOfAtMost(0, 25)).toBeCloseTo(Math.exp(-25), 20);
    for (const mean of [0.5, 25, 31.7, 400, 1_650]) {
      let [term, sum] = [0, 0];
      for (let count = 0; count < mean * 2; count++) {
        term = count === 0 ? -mean : term + Math.log(mean / count);
        sum += Math.exp(term);
        // Below, the sum has no digits left; the function has.
        if (sum < 1e-280) continue;
        expect(chanceOfAtMost(count, mean) / sum).toBeCloseTo(1, 9);
      }
    }
    expect([chanceOfAtMost(-1, 3), chanceOfAtMost(5, 0)]).toEqual([0, 1]);
  });
});

describe("a withholder", () => {
  it.each([0.07, 0.6, 9.9, 40])(
    "of everything is beyond -5 σ at its first look, when it owes 25 at %f hits a block",
    (rate) => {
      let state: Withholding = UNJUDGED;
      const blocks = Math.ceil(25 / rate);
      for (let n = 1; n <= blocks; n++) {
        state = withBlock(state, { expected: due(rate), sent: 0n });
        expect(state.looks[0]?.done).toBe(n < blocks ? 0 : 1);
      }
      expect(state.looks[0]?.alarms).toBe(1);
      expect(deviation(state.looks[0]?.last ?? { expected: 0n, sent: 0n })).toBeLessThanOrEqual(-5);
    },
  );

  it("of half of its hits is found at 100 due, and of a quarter at 400, as often as theory says", () => {
    const chance = new Chance(11);
    for (const [level, kept] of [
      [1, 0.5],
      [2, 0.25],
    ] as const) {
      const length = LOOKS[level] ?? 0;
      const runs = 3_000;
      let found = 0;
      for (let n = 0; n < runs; n++) {
        const sent = BigInt(poisson(length * (1 - kept), chance));
        if (isAlarm({ expected: due(length), sent })) found++;
      }
      const power = chanceOfAtMost(cutoff(length, ALARM_CHANCE).hits, length * (1 - kept));
      expect(Math.abs(found - runs * power)).toBeLessThan(4 * Math.sqrt(runs * power * (1 - power)) + 1);
      expect(power).toBeGreaterThan(0.5);
    }
  });

  it("that was honest for a year has saved nothing up: the next look is as hard", () => {
    let state: Withholding = UNJUDGED;
    for (let n = 0; n < 1_000; n++) state = withBlock(state, { expected: due(5), sent: 6n });
    const before = state.looks[0]?.alarms;
    for (let n = 0; n < 5; n++) state = withBlock(state, { expected: due(5), sent: 0n });
    expect([before, state.looks[0]?.alarms]).toEqual([0, 1 + (before ?? 0)]);
  });
});

describe("10,000 honest users over a year of blocks", () => {
  it("give the alarms that theory says, and so many less rare looks", { timeout: 60_000 }, () => {
    const chance = new Chance(2026);
    // Sizes as of a real pool: few large ones, many small; together 200 hits a block.
    const sizes = Array.from({ length: 10_000 }, () => chance.unit() ** -0.8);
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    const found = { alarms: 0, rare: 0, looks: 0 };
    const theory = { alarms: 0, rare: 0, variance: 0 };
    for (const size of sizes) {
      const rate = (200 * size) / whole;
      // A sum of Poisson variables is one: what many blocks give is drawn at once, no look can end among them.
      const step = Math.min(BLOCKS_A_YEAR, Math.max(1, Math.ceil(LOOKS[0] / rate)));
      const mean = hitsOf(due(rate * step));
      const isLook = mean >= LOOKS[0];
      const cut = { alarm: cutoff(mean, ALARM_CHANCE), rare: cutoff(mean, 0.01) };
      let state: Withholding = UNJUDGED;
      for (let block = step; block <= BLOCKS_A_YEAR; block += step) {
        const hits: Hits = { expected: due(rate * step), sent: BigInt(poisson(mean, chance)) };
        state = withBlock(state, hits);
        if (!isLook) continue;
        found.looks++;
        if (chanceOfAtMost(Number(hits.sent), mean) <= 0.01) found.rare++;
        theory.alarms += cut.alarm.chance;
        theory.rare += cut.rare.chance;
        theory.variance += cut.rare.chance * (1 - cut.rare.chance);
      }
      for (const [level, { alarms, done }] of state.looks.entries()) {
        found.alarms += alarms;
        // The longer looks: at most the stated chance each.
        if (level > 0) theory.alarms += done * ALARM_CHANCE;
      }
    }
    expect(found.looks).toBeGreaterThan(300_000);
    expect(Math.abs(found.rare - theory.rare)).toBeLessThan(4 * Math.sqrt(theory.variance));
    // Of so few expected ones three or more would be one chance in some thousands.
    expect(theory.alarms).toBeLessThan(0.2);
    expect(found.alarms).toBeLessThan(3);
  });
});
