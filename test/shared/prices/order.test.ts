import { describe, expect, it } from "vitest";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { orderSources, type SourceSettings } from "../../../shared/prices/order.ts";
import { WITHOUT_MARKET } from "../../../shared/prices/without-market.ts";

function settings(changes: Partial<SourceSettings>): SourceSettings {
  return { priorities: {}, overrides: {}, keys: {}, ...changes };
}

describe("the order of sources", () => {
  it("serves every asset of V5 by at least two living sources without a key, but those that no market prices", () => {
    const { byAsset } = orderSources(settings({}));
    const thin = assetsOf(5).filter((asset) => (byAsset.get(asset) ?? []).length < 2);
    expect(thin.filter((asset) => asset !== "USD" && !WITHOUT_MARKET.has(asset))).toEqual([]);
    expect(byAsset.get("USD")).toEqual(["FixedUSD"]);
    expect(byAsset.get("EUR")).toEqual(["Kraken", "Coinbase", "Frankfurter", "OpenERAPI", "FawazAhmed0"]);
  });

  it("follows the priorities, whatever the case of names; -1 is off", () => {
    const { enabled, byAsset } = orderSources(
      settings({ priorities: { kraken: 7, COINBASE: 3, binance: -1, fixedusd: 0 } }),
    );
    expect(enabled.map(({ source }) => source.name)).toEqual(["FixedUSD", "Coinbase", "Kraken"]);
    expect(byAsset.get("XBT")).toEqual(["Coinbase", "Kraken"]);
    expect(byAsset.get("RVN")).toEqual([]);
  });

  it("can be another for a single asset", () => {
    const { byAsset } = orderSources(settings({ overrides: { eur: " frankfurter , Kraken" } }));
    expect(byAsset.get("EUR")).toEqual(["Frankfurter", "Kraken"]);
    expect(byAsset.get("GBP")?.[0]).toBe("Kraken");
  });

  it("gives keys and addresses to the sources they are for", () => {
    const { enabled } = orderSources(
      settings({
        priorities: { openexchangerates: 1, devnet: 2 },
        keys: { openexchangerateskey: "K", coincapkey: "" },
        baseUrls: { Devnet: "http://127.0.0.1:9/prices" },
      }),
    );
    expect(enabled.map(({ config }) => config)).toEqual([
      { key: "K", baseUrl: undefined },
      { key: undefined, baseUrl: "http://127.0.0.1:9/prices" },
    ]);
  });

  it.each<[string, Partial<SourceSettings>, string]>([
    ["a number used twice", { priorities: { kraken: 1, coinbase: 1 } }, "both have 1"],
    [
      "an unknown source",
      { priorities: { krakn: 1 } },
      "oracledatasources.krakn: no such source; there are APILayer",
    ],
    ["a closed one", { priorities: { freeforexapi: 1 } }, "FreeForexAPI is closed"],
    ["one without its key", { priorities: { "1forge": 1 } }, "1Forge needs a key; set oracle.1forgekey"],
    ["an override for no asset", { overrides: { eurr: "Kraken" } }, "EURR: no such asset"],
    ["an override with an unknown source", { overrides: { eur: "Krakn" } }, "eur: no such source as Krakn"],
    [
      "an override with a source that is off",
      { overrides: { eur: "Bitstamp" } },
      "Bitstamp is off or does not have EUR",
    ],
    ["an override with a source without the asset", { overrides: { eur: "Binance" } }, "does not have EUR"],
    ["an override with a source twice", { overrides: { eur: "Kraken,kraken" } }, "named twice"],
  ])("refuses %s", (_, changes, message) => {
    expect(() => orderSources(settings(changes))).toThrow(
      expect.objectContaining({ code: "price-config", message: expect.stringContaining(message) }),
    );
  });
});
