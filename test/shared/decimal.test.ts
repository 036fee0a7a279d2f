import { describe, expect, it } from "vitest";
import { formatPeg, readablePeg, shortPeg, signedPeg, unitsOf } from "../../shared/decimal.ts";

describe("an amount of PEG", () => {
  it("is written with its 8 decimals, and short without those that are 0 at the end", () => {
    const amounts = [0n, 1n, -1n, 10n, 1_000_000_000n, 123_450_000_000n, -5_000_000_000_000n, 2n ** 63n];

    expect(amounts.map((amount) => [formatPeg(amount), shortPeg(amount)])).toEqual([
      ["0.00000000", "0"],
      ["0.00000001", "0.00000001"],
      ["-0.00000001", "-0.00000001"],
      ["0.00000010", "0.0000001"],
      ["10.00000000", "10"],
      ["1234.50000000", "1234.5"],
      ["-50000.00000000", "-50000"],
      ["92233720368.54775808", "92233720368.54775808"],
    ]);
  });

  it("is shown to people with its thousands apart", () => {
    const amounts = [
      0n,
      99_900_000_000n,
      123_450_000_000n,
      -5_000_000_000_000n,
      2n ** 63n,
      100_000_000_000_001n,
    ];

    expect(amounts.map(readablePeg)).toEqual([
      "0",
      "999",
      "1,234.5",
      "-50,000",
      "92,233,720,368.54775808",
      "1,000,000.00000001",
    ]);
  });

  it("has its sign as a correction", () => {
    expect([0n, 5n, -5n].map(signedPeg)).toEqual(["+0.00000000", "+0.00000005", "-0.00000005"]);
  });

  it("is read from as many decimals as it has, and read again as it was written", () => {
    expect(["12", "12.5", "0.00000001", "007.10"].map(unitsOf)).toEqual([
      1_200_000_000n,
      1_250_000_000n,
      1n,
      710_000_000n,
    ]);
    expect(unitsOf(formatPeg(123_456_789_012n))).toBe(123_456_789_012n);
  });
});
