import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pendingEstimate } from "../../../../functions/api/figures/estimates.ts";
import { feeOf, feeRate, formatRate, RATE_ONE, storedRate } from "../../../../shared/accounting/fee.ts";

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
