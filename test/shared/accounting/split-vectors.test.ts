/** Every payout of `accounting.json`: difficulties, sums and split; where we differ, our answer beside the reference's. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { feeRate, formatRate, parseFeeRate, RATE_ONE } from "../../../shared/accounting/fee.ts";
import { referenceProportion, splitReward } from "../../../shared/accounting/split.ts";
import { MAX_U64 } from "../../../shared/bytes.ts";
import { difficultyFromTarget } from "../../../shared/difficulty/target.ts";
import { onOneScale, shortestDecimal, sumDifficulties } from "../../support/reference-sums.ts";
import { casesOf, decimal, float } from "../../support/vectors.ts";
import { byName, CASES, integerWork, keepBest, PAYOUTS, REFUSED_RATES, units } from "./payout-cases.ts";

describe("shares", () => {
  it("have the reference's difficulties and sums by user and by worker", () => {
    for (const { note, shares, byUser, byMiner, userTotalDiff, minerTotalDiff } of PAYOUTS) {
      for (const { target, difficulty } of shares)
        expect(difficultyFromTarget(target), note).toBe(difficulty);
      for (const [key, expected, total] of [
        ["user", byUser, userTotalDiff],
        ["miner", byMiner, minerTotalDiff],
      ] as const) {
        const own = sumDifficulties(shares.map((share) => ({ ...share, user: share[key] })));
        if (expected === undefined) continue;
        expect(own.total, note).toBe(total);
        expect([...own.byUser].toSorted(byName), note).toEqual(
          expected.map((sum) => [sum.key, sum.totalDifficulty]),
        );
        for (const sum of expected) {
          const targets = shares.filter((share) => share[key] === sum.key).map(({ target }) => target);
          expect(keepBest(targets), note).toEqual(sum.keptTargets.filter((kept) => kept > 0n));
          expect(targets).toHaveLength(sum.totalShares);
        }
      }
    }
    expect(PAYOUTS).toHaveLength(45);
  });
});

describe("the reference's split", () => {
  it("comes out of integer work to the unit, with fee, proportions, payouts and dust", () => {
    const compared = PAYOUTS.filter(
      ({ feeRateConfig, panic }) => !REFUSED_RATES.has(feeRateConfig) && !panic,
    );
    for (const item of compared) {
      const { result, note } = item;
      const parsed = parseFeeRate(item.feeRateConfig);
      if (!("rate" in parsed)) throw new Error(parsed.refusal);

      const split = splitReward({
        height: 1,
        reward: item.reward,
        carriedIn: 0n,
        rate: parsed.rate,
        users: integerWork(item),
        mode: "reference",
      });

      expect(split.fee, note).toBe(result?.poolFee);
      expect(split.carriedOut, note).toBe(result?.dust);
      expect(formatRate(parsed.rate), note).toBe(formatRate(units(result?.poolFeeRate ?? "")));
      expect(
        split.payouts.map(({ user, proportion, amount }) => [user, formatRate(proportion), amount]),
        note,
      ).toEqual(result?.users.map((user) => [user.user, formatRate(units(user.proportion)), user.payout]));
    }
    expect(compared).toHaveLength(45 - 1 - 5);
  });

  it("is refused its fees outside [0, 1) and those with more than 8 decimals, which the reference takes or cuts", () => {
    const refused = PAYOUTS.filter(({ feeRateConfig }) => REFUSED_RATES.has(feeRateConfig));
    for (const item of refused) {
      expect(parseFeeRate(item.feeRateConfig)).toHaveProperty("refusal");
      // What the reference books at these: its own arithmetic, which may pay less than nothing.
      const rate = units(item.result?.poolFeeRate ?? "");
      const fee = (item.reward * rate) / RATE_ONE;
      expect(fee, item.note).toBe(item.result?.poolFee);
      for (const { user, payout, proportion } of item.result?.users ?? [])
        expect(((item.reward - fee) * units(proportion)) / RATE_ONE, user).toBe(payout);
    }
    expect(refused.map(({ feeRateConfig }) => feeRateConfig)).toEqual([
      "0.0123456789",
      "1",
      "0.000000001",
      "1.5",
      "-0.25",
    ]);
  });

  it("pays a share of the highest target like one of the next, where the reference's process ends", () => {
    const [infinite, ...others] = PAYOUTS.filter(({ panic }) => panic !== undefined);
    if (infinite === undefined) throw new Error("the case is missing");
    const users = integerWork(infinite);
    const lucky = infinite.shares.find(({ target }) => target === MAX_U64)?.user;

    const split = splitReward({
      height: 1,
      reward: infinite.reward,
      carriedIn: 0n,
      rate: feeRate(0n),
      users,
      mode: "reference",
    });

    expect(infinite.panic).toContain("+Inf");
    expect(split.payouts.find(({ user }) => user === lucky)?.proportion).toBeGreaterThan(
      (RATE_ONE * 99n) / 100n,
    );
    expect(others).toEqual([]);
  });

  it("rounds proportions as the reference's decimals do", () => {
    const cases = casesOf(
      CASES,
      "proportion",
      v.object({
        user: float,
        pool: float,
        total: decimal,
        proportion8: v.string(),
        quotient16: v.string(),
        payout: decimal,
      }),
    );
    for (const { user, pool, total, proportion8, quotient16, payout } of cases) {
      const [part, whole] = onOneScale(shortestDecimal(user), shortestDecimal(pool));
      const proportion = referenceProportion(part, whole);
      expect(formatRate(proportion), `${user}/${pool}`).toBe(formatRate(units(proportion8)));
      expect(proportion).toBe(units(quotient16));
      expect((total * proportion) / RATE_ONE).toBe(payout);
    }
    expect(cases).toHaveLength(200);
  });

  it("is compared by the same decimals of a double", () => {
    const cases = casesOf(CASES, "decimalFromFloat", v.object({ decimal: v.string(), float }));
    for (const item of cases) expect(shortestDecimal(item.float)).toBe(item.decimal);
    expect(cases).toHaveLength(100);
  });
});
