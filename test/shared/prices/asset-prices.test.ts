import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { type PricingInput, priceAssets } from "../../../shared/prices/asset-prices.ts";
import type { Quote } from "../../../shared/prices/quote.ts";
import { median } from "../../../shared/prices/tiers.ts";

const MINUTE = 60_000;
/** A Wednesday. */
const NOW = Date.UTC(2026, 10, 18, 12);
const SATURDAY = Date.UTC(2026, 10, 21, 12);

function quote(asset: string, source: string, price: number, changes: Partial<Quote> = {}): Quote {
  return { asset, source, price, currency: "USD", quotedAtMs: NOW, ...changes };
}

function input(quotes: Quote[], changes: Partial<PricingInput> = {}): PricingInput {
  const sources = [...new Set(quotes.map(({ source }) => source))];
  return {
    version: 5,
    rule: "priority",
    nowMs: NOW,
    order: new Map(assetsOf(5).map((asset) => [asset, sources])),
    origins: new Map(),
    quotes,
    lastGood: new Map(),
    lastGoodMaxMs: 30 * MINUTE,
    fixed: new Map(),
    winning: new Map(),
    carry: new Set(),
    ...changes,
  };
}

function settled(asset: string, from: PricingInput): [price: number | undefined, basis: string | undefined] {
  const { prices, notes } = priceAssets(from);
  const price = prices.get(asset);
  return [price === undefined ? undefined : Number(price) / 1e8, notes.get(asset)?.basis];
}

const old = { quotedAtMs: NOW - 20 * 60 * MINUTE };

describe("a price from quotes", () => {
  it("is the first by priority inside the band", () => {
    const quotes = [
      quote("EUR", "a", 2),
      quote("EUR", "b", 1.12),
      quote("EUR", "c", 1.1),
      quote("EUR", "d", 1.11),
    ];
    const { notes } = priceAssets(input(quotes));
    expect(settled("EUR", input(quotes))).toEqual([1.12, "quotes"]);
    expect(notes.get("EUR")?.quotes).toEqual([
      ["b", "1.12", 0, "used"],
      ["c", "1.1", 0, "agreed"],
      ["d", "1.11", 0, "agreed"],
      ["a", "2", 0, "outside"],
    ]);
    expect(settled("EUR", input(quotes, { rule: "reference" }))).toEqual([1.1, "quotes"]);
  });

  it("is of the freshest: yesterday's rates do not outvote today's", () => {
    const quotes = [
      quote("XBT", "a", 70_000, old),
      quote("XBT", "b", 70_001, old),
      quote("XBT", "c", 80_000),
      quote("XBT", "d", 80_010),
    ];
    expect(settled("XBT", input(quotes))).toEqual([80_000, "quotes"]);
    const fates = priceAssets(input(quotes))
      .notes.get("XBT")
      ?.quotes.map(([source, , age, fate]) => [source, age, fate]);
    expect(fates).toEqual([
      ["c", 0, "used"],
      ["d", 0, "agreed"],
      ["a", 72_000, "later-tier"],
      ["b", 72_000, "later-tier"],
    ]);
  });

  it("leaves out what is older than a long holiday", () => {
    const ancient = { quotedAtMs: NOW - 6 * 24 * 60 * MINUTE };
    const quotes = [quote("XBT", "a", 80_000, ancient), quote("XBT", "b", 80_000, ancient)];
    const { missing, notes } = priceAssets(input(quotes));
    expect(missing).toContain("XBT");
    expect(notes.get("XBT")?.quotes.map(([, , , fate]) => fate)).toEqual(["stale", "stale"]);
  });

  it("stays good while its market rests, marked as closed", () => {
    const friday = { quotedAtMs: Date.UTC(2026, 10, 20, 20, 59) };
    const quotes = ["a", "b"].flatMap((source) =>
      ["EUR", "XBT"].map((asset) => quote(asset, source, 1, friday)),
    );
    const { notes } = priceAssets(input(quotes, { nowMs: SATURDAY }));
    expect(notes.get("EUR")).toMatchObject({ closed: true, basis: "quotes" });
    expect(notes.get("EUR")?.quotes[0]).toEqual(["a", "1", 60, "used"]);
    expect(notes.get("XBT")).not.toHaveProperty("closed");
    expect(notes.get("XBT")?.quotes[0]?.[2]).toBe(15 * 3600 + 60);
  });

  it("in Tether becomes dollars by a source that trades both; without one, or a peg that holds, it is left out", () => {
    const tethers = [
      quote("XBT", "x", 80_000, { currency: "USDT" }),
      quote("XBT", "y", 80_000, { currency: "USDT" }),
    ];
    const peg = (price: number, changes = {}) => [...tethers, quote("USDT", "k", price, changes)];
    expect(settled("XBT", input(peg(0.9997)))).toEqual([79_976, "quotes"]);
    for (const quotes of [tethers, peg(0.96), peg(1.04), peg(1, { quotedAtMs: NOW - 11 * MINUTE })]) {
      expect(settled("XBT", input(quotes))[0]).toBeUndefined();
      const notes = priceAssets(input(quotes)).notes.get("XBT");
      expect(notes?.quotes.map(([, , , fate]) => fate)).toEqual(["no-tether", "no-tether"]);
    }
  });
});

describe("a quorum", () => {
  it("is one quote where no other source serves the asset, or an older tier agrees; else two of different origin", () => {
    const lone = [quote("EUR", "a", 1.1)];
    const order = new Map([["EUR", ["a", "b"]]]);
    expect(settled("EUR", input(lone))).toEqual([1.1, "quotes"]);
    expect(settled("EUR", input(lone, { order }))).toEqual([1.1, "thin"]);
    expect(settled("EUR", input([...lone, quote("EUR", "b", 1.12, old)]))).toEqual([1.1, "quotes"]);
    expect(settled("EUR", input([...lone, quote("EUR", "b", 1.2, old)]))).toEqual([1.1, "thin"]);
    const pair = [...lone, quote("EUR", "b", 1.1)];
    const origins = new Map([
      ["a", "averages"],
      ["b", "averages"],
    ]);
    const listed = new Map([["EUR", ["a", "b", "c"]]]);
    expect(settled("EUR", input(pair, { order: listed }))).toEqual([1.1, "quotes"]);
    expect(settled("EUR", input(pair, { order: listed, origins }))).toEqual([1.1, "thin"]);
  });

  it("is missing when two lone quotes lie further apart than the band: nobody knows which is wrong", () => {
    const quotes = [quote("XBT", "a", 80_000), quote("XBT", "b", 82_000)];
    expect(settled("XBT", input(quotes))).toEqual([80_000, "thin"]);
    expect(settled("XBT", input(quotes, { version: 4 }))).toEqual([80_000, "quotes"]);
    const lastGood = new Map([["XBT", { price: 81_000n * 100_000_000n, atMs: NOW - MINUTE }]]);
    expect(settled("XBT", input(quotes, { lastGood }))).toEqual([81_000, "last-good"]);
    const fates = priceAssets(input(quotes, { lastGood }))
      .notes.get("XBT")
      ?.quotes.map(([, , , fate]) => fate);
    expect(fates).toEqual(["doubted", "outside"]);
  });

  it("is missing when the day's official rates contradict fresh ones, more so where official and street rates part", () => {
    const quotes = (asset: string) => [
      quote(asset, "a", 1.1),
      quote(asset, "b", 1.1),
      quote(asset, "c", 1.0, old),
    ];
    expect(settled("EUR", input(quotes("EUR")))[1]).toBe("thin");
    expect(settled("ARS", input(quotes("ARS")))[1]).toBe("quotes");
    expect(settled("ETH", input(quotes("ETH")))[1]).toBe("quotes");
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  });
});

describe("the ladder of fallbacks", () => {
  const price = 123_000_000n;

  it("takes the last good price for half an hour of open market", () => {
    const at = (atMs: number, nowMs = NOW) =>
      settled("EUR", input([], { nowMs, lastGood: new Map([["EUR", { price, atMs }]]) }));
    expect(at(NOW - 30 * MINUTE)).toEqual([1.23, "last-good"]);
    expect(at(NOW - 31 * MINUTE)[0]).toBeUndefined();
    expect(at(Date.UTC(2026, 10, 20, 20, 40), SATURDAY)).toEqual([1.23, "last-good"]);
  });

  it("remembers the time of the price itself, so that it cannot be handed on for ever", () => {
    const lastGood = new Map([["EUR", { price, atMs: NOW - MINUTE }]]);
    expect(priceAssets(input([], { lastGood })).notes.get("EUR")?.sinceMs).toBe(NOW - MINUTE);
  });

  it("takes the operator's price, else the last winning one, only for assets without market or source, or when told to", () => {
    const changes: Partial<PricingInput> = {
      order: new Map([
        ["EUR", ["a"]],
        ["FCT", ["a"]],
        ["GBP", []],
      ]),
      fixed: new Map([["PEG", price]]),
      winning: new Map(["PEG", "EUR", "FCT", "GBP"].map((asset) => [asset, 1_000n])),
    };
    const all = priceAssets(input([], changes));
    expect([...all.prices].filter(([asset]) => ["PEG", "EUR", "FCT", "GBP"].includes(asset))).toEqual([
      ["PEG", price],
      ["GBP", 1_000n],
      ["FCT", 1_000n],
    ]);
    expect(["PEG", "GBP", "FCT"].map((asset) => all.notes.get(asset)?.basis)).toEqual([
      "fixed",
      "carried",
      "carried",
    ]);
    expect(all.missing).toContain("EUR");
    expect(settled("EUR", input([], { ...changes, carry: new Set(["EUR"]) }))).toEqual([1e-5, "carried"]);
  });

  it("writes 0 for the asset that a version does not price yet", () => {
    expect(settled("PEG", input([], { version: 2 }))).toEqual([0, "zero"]);
    expect(settled("PNT", input([], { version: 1 }))).toEqual([0, "zero"]);
    expect(priceAssets(input([], { version: 3 })).missing).toContain("PEG");
  });

  it("gives every asset of the version a price or names it as missing, and marks one quote at most as used", () => {
    const anyQuote = fc.record({
      asset: fc.constantFrom(...assetsOf(5)),
      source: fc.constantFrom("a", "b", "c", "d"),
      price: fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
      currency: fc.constantFrom("USD" as const, "USDT" as const),
      quotedAtMs: fc.integer({ min: NOW - 1e9, max: NOW }),
    });
    fc.assert(
      fc.property(
        fc.array(anyQuote, { maxLength: 80 }),
        fc.constantFrom("priority" as const, "reference" as const),
        (quotes, rule) => {
          const { prices, missing, notes } = priceAssets(input(quotes, { rule }));
          expect(prices.size + missing.length).toBe(62);
          expect(new Set([...prices.keys(), ...missing])).toEqual(new Set(assetsOf(5)));
          expect([...prices.values()].every((value) => value > 0n)).toBe(true);
          for (const { quotes: lines } of notes.values())
            expect(lines.filter(([, , , fate]) => fate === "used").length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
