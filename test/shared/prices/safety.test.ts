import { describe, expect, it } from "vitest";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { type PricingInput, priceAssets } from "../../../shared/prices/asset-prices.ts";
import { orderSources } from "../../../shared/prices/order.ts";
import type { Quote } from "../../../shared/prices/quote.ts";
import { DEVIATION_LIMITS, priceSafety, refuseDeviants } from "../../../shared/prices/safety.ts";

const MINUTE = 60_000;
/** A Wednesday. */
const NOW = Date.UTC(2026, 10, 18, 12);

/** Fates of quotes by name, in the order given; prices of one origin share a letter: "a1", "a2". */
function fates(
  asset: string,
  quotes: Record<string, number>,
  last?: number,
  ageMs = MINUTE,
): Record<string, string> {
  const listed = Object.entries(quotes).map(([name, price]) => ({ name, origin: name.slice(0, 1), price }));
  const block = last === undefined ? undefined : { price: last, ageMs };
  const { kept, refused } = refuseDeviants(asset, listed, DEVIATION_LIMITS, block);
  expect(kept.length + refused.length).toBe(listed.length);
  return Object.fromEntries([
    ...kept.map(({ name }) => [name, "kept"]),
    ...refused.map(({ quote, fate }) => [quote.name, fate]),
  ]);
}

describe("a quote far from the median of the sources", () => {
  it("is refused where three origins tell who is wrong", () => {
    expect(fates("XBT", { a: 96_000, b: 96_500, c: 960_000 })).toEqual({
      a: "kept",
      b: "kept",
      c: "deviant",
    });
    expect(fates("XBT", { a: 96_000, b: 96_500, c: 9_600 })).toEqual({ a: "kept", b: "kept", c: "deviant" });
  });

  it("may be off by 15 % for a coin, 5 % for a metal or a currency, 25 % where official and street rates part", () => {
    const off = (asset: string, part: number) => fates(asset, { a: 1, b: 1, c: 1 + part })["c"];
    expect([off("ETH", 0.149), off("ETH", 0.151)]).toEqual(["kept", "deviant"]);
    expect([off("XAU", 0.049), off("XAU", 0.051)]).toEqual(["kept", "deviant"]);
    expect([off("EUR", 0.049), off("EUR", 0.051)]).toEqual(["kept", "deviant"]);
    expect([off("ARS", 0.249), off("ARS", 0.251)]).toEqual(["kept", "deviant"]);
  });

  it("counts an origin once, however many sources repeat it", () => {
    expect(fates("XBT", { a: 96_000, b: 96_500, c1: 960_000, c2: 960_000, c3: 960_000 })).toMatchObject({
      a: "kept",
      c1: "deviant",
      c3: "deviant",
    });
  });

  it("is found among two by the last block, and among two alone not at all: the quorum then fails", () => {
    expect(fates("XBT", { a: 96_000, b: 960_000 }, 95_000)).toEqual({ a: "kept", b: "deviant" });
    expect(fates("XBT", { a: 96_000, b: 960_000 })).toEqual({ a: "kept", b: "kept" });
  });
});

describe("a jump from the last block", () => {
  it("is refused where one origin alone saw it", () => {
    expect(fates("XBT", { a: 150_000 }, 100_000)).toEqual({ a: "jumped" });
    expect(fates("XBT", { a: 139_000 }, 100_000)).toEqual({ a: "kept" });
    expect(fates("EUR", { a1: 1.4, a2: 1.4 }, 1.16)).toEqual({ a1: "jumped", a2: "jumped" });
  });

  it("is believed where two origins saw it, an absurd one where three did", () => {
    expect(fates("XBT", { a: 50_000, b: 51_000 }, 100_000)).toEqual({ a: "kept", b: "kept" });
    expect(fates("XBT", { a: 1_000_000, b: 1_010_000 }, 100_000)).toEqual({ a: "jumped", b: "jumped" });
    expect(fates("XBT", { a: 1_000_000, b: 1_010_000, c: 1_005_000 }, 100_000)).toEqual({
      a: "kept",
      b: "kept",
      c: "kept",
    });
    expect(fates("JPY", { a: 0.0033, b: 0.0032 }, 0.0066)).toEqual({ a: "jumped", b: "jumped" });
  });

  it("is no jump when the block is more than an hour old: a pool that stood still starts again", () => {
    expect(fates("XBT", { a: 150_000 }, 100_000, 61 * MINUTE)).toEqual({ a: "kept" });
  });

  it("does not make the pool refuse the truth after the network graded a false price", () => {
    // As on 22 April 2020: most miners put a false yen into their records.
    expect(fates("JPY", { a: 0.0066, b: 0.0066, c: 0.00661 }, 0.05)).toEqual({
      a: "kept",
      b: "kept",
      c: "kept",
    });
  });
});

function quote(asset: string, source: string, price: number, ageMs = 0): Quote {
  return { asset, source, price, currency: "USD", quotedAtMs: NOW - ageMs };
}

function settle(asset: string, quotes: Quote[], changes: Partial<PricingInput> = {}, single: string[] = []) {
  const sources = [...new Set(["a", "b", "c", ...quotes.map(({ source }) => source)])];
  const { prices, notes, missing } = priceAssets({
    version: 5,
    rule: "priority",
    nowMs: NOW,
    order: new Map(assetsOf(5).map((name) => [name, sources])),
    origins: new Map(),
    quotes,
    lastGood: new Map(),
    lastGoodMaxMs: 30 * MINUTE,
    fixed: new Map(),
    winning: new Map(),
    carry: new Set(),
    safety: { limits: DEVIATION_LIMITS, single: new Set(single), winningAtMs: NOW - MINUTE },
    ...changes,
  });
  const price = prices.get(asset);
  return {
    price: price === undefined ? undefined : Number(price) / 1e8,
    isMissing: missing.includes(asset),
    note: notes.get(asset),
  };
}

describe("a price", () => {
  it("is chosen among the quotes that are left, and every quote is on record with its fate", () => {
    const quotes = [
      quote("XBT", "a", 960_000),
      quote("XBT", "b", 96_100),
      quote("XBT", "c", 96_000),
      quote("XBT", "d", 1e-9),
      quote("XBT", "e", 90_000, 6 * 24 * 60 * MINUTE),
    ];
    const { price, note } = settle("XBT", quotes);

    expect(price).toBe(96_100);
    expect(note).toEqual({
      basis: "quotes",
      quotes: [
        ["b", "96100", 0, "used"],
        ["c", "96000", 0, "agreed"],
        ["a", "960000", 0, "deviant"],
        ["e", "90000", 518_400, "stale"],
        ["d", "1e-9", 0, "absurd"],
      ],
    });
  });

  it("needs two origins, under either rule; one is enough where the configuration names the asset, and is shown as such", () => {
    const lone = [quote("XBT", "a", 96_000)];
    for (const rule of ["priority", "reference"] as const) {
      expect(settle("XBT", lone, { rule })).toMatchObject({ price: undefined, isMissing: true });
      expect(settle("XBT", lone, { rule }, ["XBT"])).toMatchObject({
        price: 96_000,
        note: { basis: "quotes", single: true },
      });
      const pair = [...lone, quote("XBT", "b", 96_000)];
      expect(settle("XBT", pair, { rule }, ["XBT"]).note).not.toHaveProperty("single");
      expect(
        settle("XBT", pair, {
          rule,
          origins: new Map([
            ["a", "x"],
            ["b", "x"],
          ]),
        }).isMissing,
      ).toBe(true);
    }
  });

  it("of a lone source does not follow it over a jump, though one source is allowed", () => {
    const winning = new Map([["XBT", 96_000n * 100_000_000n]]);

    const { isMissing, note } = settle("XBT", [quote("XBT", "a", 960_000)], { winning }, ["XBT"]);

    expect(isMissing).toBe(true);
    expect(note?.quotes).toEqual([["a", "960000", 0, "jumped"]]);
  });

  it("goes on with the last good one for half an hour, then there is none: no record is better than a false one", () => {
    const bad = [quote("XBT", "a", 960_000)];
    const good = (ageMs: number) => new Map([["XBT", { price: 95_000n * 100_000_000n, atMs: NOW - ageMs }]]);

    expect(settle("XBT", bad, { lastGood: good(30 * MINUTE) })).toMatchObject({
      price: 95_000,
      note: { basis: "last-good" },
    });
    expect(settle("XBT", bad, { lastGood: good(31 * MINUTE) }).isMissing).toBe(true);
  });

  it("of a coin is not yesterday's, as a currency's may be", () => {
    const day = 20 * 60 * MINUTE;

    expect(settle("XBT", [quote("XBT", "a", 96_000, day), quote("XBT", "b", 96_000, day)]).isMissing).toBe(
      true,
    );
    expect(settle("EUR", [quote("EUR", "a", 1.25, day), quote("EUR", "b", 1.25, day)]).price).toBe(1.25);
  });

  it("of the dollar is 1, whoever else quotes it", () => {
    expect(settle("USD", [quote("USD", "a", 1), quote("USD", "b", 2)]).price).toBe(1);
  });
});

describe("the configuration", () => {
  const order = (priorities: Record<string, number>) => orderSources({ priorities, overrides: {}, keys: {} });

  it("by default has two sources of its own for every asset with a market", () => {
    expect([...priceSafety(order({})).single]).toEqual(["USD"]);
  });

  it("refuses assets that one source serves unless they are named, and names that are none", () => {
    const lone = order({ fixedusd: 0, kraken: 1 });

    expect(() => priceSafety(lone)).toThrow(
      /EUR.*one source of its own is not enough.*polling\.singlesource/,
    );
    expect(() => priceSafety(lone, { single: ["XYZ"] })).toThrow("there is no asset XYZ");
    expect(priceSafety(lone, { single: ["*"] }).single.has("EUR")).toBe(true);
    const served = [...lone.byAsset]
      .filter(([, sources]) => sources.includes("Kraken"))
      .map(([asset]) => asset);
    expect(priceSafety(lone, { single: served.map((asset) => asset.toLowerCase()) }).single.has("XBT")).toBe(
      true,
    );
  });

  it("takes a devnet's feed for its network's whole market", () => {
    const devnet = orderSources({
      priorities: { fixedusd: 0, devnet: 1 },
      overrides: {},
      keys: {},
      baseUrls: { devnet: "http://127.0.0.1:1" },
    });

    expect(priceSafety(devnet).single.has("XBT")).toBe(true);
  });
});
