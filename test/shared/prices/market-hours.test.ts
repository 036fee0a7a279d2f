import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { COINS, classOf, FIAT } from "../../../shared/prices/asset-class.ts";
import { isMarketOpen, openMsBetween } from "../../../shared/prices/market-hours.ts";

const HOUR = 3_600_000;
/** Friday 20 November 2026, 00:00 UTC. */
const FRIDAY = Date.UTC(2026, 10, 20);
const at = (day: number, hour: number): number => FRIDAY + (day * 24 + hour) * HOUR;

describe("markets", () => {
  it("rest from Friday 21:00 to Sunday 21:00 UTC for currencies, an hour longer for metals, never for coins", () => {
    const hours: [string, number][] = [
      ["Fri 20:59:59", at(0, 21) - 1],
      ["Fri 21", at(0, 21)],
      ["Sat 12", at(1, 12)],
      ["Sun 20:59:59", at(2, 21) - 1],
      ["Sun 21", at(2, 21)],
      ["Sun 22", at(2, 22)],
      ["Mon 0", at(3, 0)],
    ];
    const open = (asset: string): string[] =>
      hours.filter(([, ms]) => isMarketOpen(asset, ms)).map(([name]) => name);
    expect(open("EUR")).toEqual(["Fri 20:59:59", "Sun 21", "Sun 22", "Mon 0"]);
    expect(open("XAU")).toEqual(["Fri 20:59:59", "Sun 22", "Mon 0"]);
    expect(open("XBT")).toHaveLength(hours.length);
    expect(open("USD")).toHaveLength(hours.length);
  });

  it("rest for the currencies of V4 and V5 too, which the reference takes for always open", () => {
    for (const asset of ["AUD", "TRY", "AED", "NGN"])
      expect(isMarketOpen(asset, at(1, 12)), asset).toBe(false);
  });

  it("do not age quotes while they rest", () => {
    expect(openMsBetween("EUR", at(0, 20), at(2, 22))).toBe(2 * HOUR);
    expect(openMsBetween("XAU", at(0, 20), at(2, 23))).toBe(2 * HOUR);
    expect(openMsBetween("XBT", at(0, 20), at(2, 22))).toBe(50 * HOUR);
    expect(openMsBetween("EUR", at(1, 1), at(2, 1))).toBe(0);
    expect(openMsBetween("EUR", at(3, 1), at(3, 0))).toBe(0);
  });

  it("age quotes by the time they are open, whatever the span", () => {
    const time = fc.integer({ min: -1e12, max: 2e12 });
    fc.assert(
      fc.property(
        time,
        fc.array(fc.nat(400), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("EUR", "XAU"),
        (start, steps, asset) => {
          const end = start + steps.reduce((sum, step) => sum + step, 0) * HOUR;
          let open = 0;
          // Markets turn at whole hours, so a quarter of an hour is fine enough.
          for (let ms = start - (start % (HOUR / 4)); ms < end - (start % (HOUR / 4)); ms += HOUR / 4)
            if (isMarketOpen(asset, ms)) open += HOUR / 4;
          expect(Math.abs(openMsBetween(asset, start, end) - open)).toBeLessThanOrEqual(HOUR / 2);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("asset classes", () => {
  it("name every asset of V5 but PEG", () => {
    const named = new Set(["USD", "XAU", "XAG", ...FIAT, ...COINS]);
    expect(assetsOf(5).filter((asset) => !named.has(asset))).toEqual(["PEG"]);
    expect([FIAT.length, COINS.length, named.size]).toEqual([30, 28, 61]);
    expect(["USD", "AED", "XAG", "PEG"].map(classOf)).toEqual(["usd", "fiat", "metal", "coin"]);
  });
});
