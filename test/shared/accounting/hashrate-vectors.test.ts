/** The hash-rate estimates of `accounting.json`; where we differ, our answer beside the reference's. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { hashrateFromBest } from "../../../shared/accounting/hashrate.ts";
import { averageHashrate } from "../../support/reference-sums.ts";
import { casesOf, decimal, float } from "../../support/vectors.ts";
import { CASES, keepBest, PAYOUTS } from "./payout-cases.ts";

describe("hash-rate estimates", () => {
  it("keep the 30 best targets as the reference does", () => {
    const cases = casesOf(
      CASES,
      "insertTarget",
      v.object({ inserted: v.array(decimal), list: v.array(decimal) }),
    );
    for (const { inserted, list } of cases)
      expect(keepBest(inserted)).toEqual(list.filter((kept) => kept > 0n));
    expect(cases).toHaveLength(6);
  });

  it("come from the last kept target as the reference's do", () => {
    const cases = casesOf(
      CASES,
      "hashrate",
      v.object({
        targets: v.array(decimal),
        seconds: float,
        last: float,
        average: float,
        weightedAverage: float,
      }),
    );
    for (const { targets, seconds, last, average, weightedAverage } of cases) {
      const best = keepBest(targets);
      if (best.length >= 5) expect(hashrateFromBest(best, seconds)).toBe(last);
      else expect(hashrateFromBest(best, seconds)).toBe(0);
      expect(averageHashrate(best, seconds, false)).toBe(average);
      expect(averageHashrate(best, seconds, true)).toBe(weightedAverage);
    }
    expect(cases).toHaveLength(20);
  });

  it("are the payouts' own: none from fewer than five shares, none without time instead of infinity", () => {
    let infinite = 0;
    for (const { shares, spanSeconds, result, note } of PAYOUTS) {
      let total = 0;
      for (const { user, hashRate } of result?.users ?? []) {
        const targets = shares.filter((share) => share.user === user).map(({ target }) => target);
        const seconds = spanSeconds[user] ?? 0;
        const ours = hashrateFromBest(keepBest(targets), seconds);
        if (hashRate === Number.POSITIVE_INFINITY) infinite += 1;
        expect(ours, `${note}: ${user}`).toBe(Number.isFinite(hashRate) ? hashRate : 0);
        if (seconds > 20) total += ours;
      }
      if (result !== undefined) expect(total, note).toBe(result.totalHashrate);
    }
    expect(infinite).toBe(1);
  });
});
