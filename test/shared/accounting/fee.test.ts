import { describe, expect, it } from "vitest";
import { feeOf, feeRate } from "../../../shared/accounting/fee.ts";

describe("a fee", () => {
  it("is the rate's part of the reward, rounded down, whatever the job", () => {
    const rate = feeRate(5_000_000n);

    expect([0, 1, 258_796, 0x7fff_ffff].map((height) => feeOf(height, 999n, rate))).toEqual([
      49n,
      49n,
      49n,
      49n,
    ]);
  });

  it("has no rule for a height that no job can have", () => {
    expect(() => feeOf(-1, 999n, feeRate(0n))).toThrow("expected a height of 0 or more, got -1");
  });
});
