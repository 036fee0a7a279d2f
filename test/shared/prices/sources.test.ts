/** Each source against a reply written from its documentation (test/support/fixtures/prices/README.md); nothing is asked of a network. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PRICE_SOURCES } from "../../../shared/prices/registry.ts";
import type { PriceSource, SourceReply } from "../../../shared/prices/source.ts";
import { alternativeMe } from "../../../shared/prices/sources/alternative-me.ts";
import { apiLayer } from "../../../shared/prices/sources/api-layer.ts";
import { binance } from "../../../shared/prices/sources/binance.ts";
import { bitstamp } from "../../../shared/prices/sources/bitstamp.ts";
import { coinCap } from "../../../shared/prices/sources/coin-cap.ts";
import { coinGecko } from "../../../shared/prices/sources/coin-gecko.ts";
import { coinMarketCap } from "../../../shared/prices/sources/coin-market-cap.ts";
import { coinPaprika } from "../../../shared/prices/sources/coin-paprika.ts";
import { coinbase } from "../../../shared/prices/sources/coinbase.ts";
import { devnet } from "../../../shared/prices/sources/devnet.ts";
import { exchangeRates } from "../../../shared/prices/sources/exchange-rates.ts";
import { fawazAhmed } from "../../../shared/prices/sources/fawaz-ahmed.ts";
import { fixedUsd } from "../../../shared/prices/sources/fixed-usd.ts";
import { frankfurter } from "../../../shared/prices/sources/frankfurter.ts";
import { goldApi } from "../../../shared/prices/sources/gold-api.ts";
import { kitco } from "../../../shared/prices/sources/kitco.ts";
import { kraken } from "../../../shared/prices/sources/kraken.ts";
import { oneForge } from "../../../shared/prices/sources/one-forge.ts";
import { openErApi } from "../../../shared/prices/sources/open-er-api.ts";
import { openExchangeRates } from "../../../shared/prices/sources/open-exchange-rates.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const TEN = 1_795_341_600_000; // 10:00 UTC, the time that the fixtures state
const MIDNIGHT_AFTER_20TH = Date.UTC(2026, 10, 21);

function fixture(name: string): string {
  return readFileSync(new URL(`../../support/fixtures/prices/${name}.json`, import.meta.url), "utf8");
}

function quotesOf(reply: SourceReply): [string, number, number][] {
  if ("failure" in reply) throw new Error(reply.failure);
  return reply.quotes.map(({ asset, price, quotedAtMs }) => [asset, price, quotedAtMs]);
}

interface Case {
  source: PriceSource;
  file: string;
  /** Asked with these assets and the key "K". */
  assets: string[];
  url: string;
  /** Of further requests of the round. */
  more?: string[];
  headers?: Record<string, string>;
  quotes: [string, number, number][];
}

const CASES: Case[] = [
  {
    source: apiLayer,
    file: "api-layer",
    assets: ["EUR", "JPY"],
    url: "https://api.currencylayer.com/live?access_key=K&source=USD&currencies=EUR%2CJPY",
    quotes: [
      ["EUR", 1.25, TEN],
      ["JPY", 1 / 150.25, TEN],
      ["KES", 1 / 129.5, TEN],
    ],
  },
  {
    source: coinCap,
    file: "coin-cap",
    assets: ["XBT", "XBC"],
    url: "https://rest.coincap.io/v3/assets?ids=bitcoin%2Cbitcoin-cash",
    headers: { authorization: "Bearer K" },
    quotes: [
      ["XBT", 80000.5, TEN],
      ["XBC", 400.25, TEN],
    ],
  },
  {
    source: exchangeRates,
    file: "exchange-rates",
    assets: ["JPY"],
    url: "https://api.exchangeratesapi.io/v1/latest?access_key=K&symbols=USD%2CJPY",
    quotes: [
      ["EUR", 1.25, TEN],
      ["JPY", 1.25 / 187.5, TEN],
      ["GBP", 1.25 / 0.88, TEN],
    ],
  },
  {
    source: kitco,
    file: "kitco",
    assets: ["XAU", "XAG"],
    url: "https://kdb-gw.prod.kitco.com/",
    quotes: [
      ["XAU", 4165.2, TEN],
      ["XAG", 52.34, TEN],
    ],
  },
  {
    source: openExchangeRates,
    file: "open-exchange-rates",
    assets: ["EUR"],
    url: "https://openexchangerates.org/api/latest.json?app_id=K",
    // Gold and Bitcoin are left out: two and three digits of a rate are no price.
    quotes: [
      ["EUR", 1.25, TEN],
      ["JPY", 1 / 150.25, TEN],
      ["XAG", 1 / 0.0191058, TEN],
    ],
  },
  {
    source: coinMarketCap,
    file: "coin-market-cap",
    assets: ["XBT", "XBC"],
    url: "https://pro-api.coinmarketcap.com/v3/cryptocurrency/quotes/latest?id=1%2C1831&convert=USD",
    headers: { "x-cmc_pro_api_key": "K" },
    quotes: [
      ["XBT", 80000.5, TEN],
      ["XBC", 400.25, TEN],
    ],
  },
  {
    source: oneForge,
    file: "one-forge",
    assets: ["EUR", "XAU"],
    url: "https://api.1forge.com/quotes?pairs=EUR%2FUSD%2CXAU%2FUSD&api_key=K",
    quotes: [
      ["EUR", 1.25, TEN],
      ["GBP", 1.34, TEN],
      ["XAU", 4165.2, TEN],
    ],
  },
  {
    source: alternativeMe,
    file: "alternative-me",
    assets: ["XBT"],
    url: "https://api.alternative.me/v2/ticker/?convert=USD&limit=300",
    quotes: [
      ["XBT", 80000.5, TEN],
      ["XBC", 400.25, TEN],
    ],
  },
  {
    source: coinGecko,
    file: "coin-gecko",
    assets: ["XBT", "EOS"],
    url: "https://api.coingecko.com/api/v3/simple/price?ids=bitcoin%2Cvaulta&vs_currencies=usd&include_last_updated_at=true",
    headers: { "x-cg-demo-api-key": "K" },
    quotes: [
      ["XBT", 80000.5, TEN],
      ["XBC", 400.25, TEN],
      ["EOS", 0.21, TEN],
    ],
  },
  {
    source: kraken,
    file: "kraken",
    assets: ["XBT"],
    url: "https://api.kraken.com/0/public/Ticker?pair=XXBTZUSD",
    more: ["https://api.kraken.com/0/public/Ticker?pair=USDTZUSD"],
    quotes: [
      ["XBT", 80000.5, NOON],
      ["XBC", 400.25, NOON],
      ["EOS", 0.21, NOON],
      ["EUR", 1.25, NOON],
      ["USDT", 0.9997, NOON],
      ["JPY", 1 / 150.25, NOON],
    ],
  },
  {
    source: coinbase,
    file: "coinbase",
    assets: ["EUR"],
    url: "https://api.coinbase.com/v2/exchange-rates?currency=USD",
    // Ether is left out: its rate has one digit.
    quotes: [
      ["EUR", 1.25, NOON],
      ["JPY", 1 / 150.25, NOON],
      ["XBT", 1 / 0.0000124999218755, NOON],
      ["XBC", 1 / 0.0024984384759525, NOON],
      ["VET", 1 / 42.5, NOON],
    ],
  },
  {
    source: binance,
    file: "binance",
    assets: ["XBT"],
    url: "https://data-api.binance.vision/api/v3/ticker/price",
    quotes: [
      ["XBT", 80024.5, NOON],
      ["XBC", 400.4, NOON],
      ["EOS", 0.21, NOON],
    ],
  },
  {
    source: goldApi,
    file: "gold-api",
    assets: ["XAU"],
    url: "https://api.gold-api.com/price/XAU",
    quotes: [["XAU", 4165.200195, TEN]],
  },
  {
    source: frankfurter,
    file: "frankfurter",
    assets: ["EUR", "KES"],
    url: "https://api.frankfurter.dev/v2/rates?base=USD&quotes=EUR%2CKES",
    // A day's rate stands until its end; tomorrow's is of now.
    quotes: [
      ["EUR", 1.25, MIDNIGHT_AFTER_20TH],
      ["JPY", 1 / 150.25, NOON],
      ["XAU", 1 / 0.00024008, MIDNIGHT_AFTER_20TH],
    ],
  },
  {
    source: openErApi,
    file: "open-er-api",
    assets: ["EUR"],
    url: "https://open.er-api.com/v6/latest/USD",
    quotes: [
      ["EUR", 1.25, 1_795_305_600_000],
      ["JPY", 1 / 150.25, 1_795_305_600_000],
      ["TZS", 1 / 2450.5, 1_795_305_600_000],
    ],
  },
  {
    source: coinPaprika,
    file: "coin-paprika",
    assets: ["XBT"],
    url: "https://api.coinpaprika.com/v1/tickers/btc-bitcoin",
    quotes: [["XBT", 80000.5, TEN - 60_000]],
  },
  {
    source: fawazAhmed,
    file: "fawaz-ahmed",
    assets: ["EUR"],
    url: "https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest/v1/currencies/usd.min.json",
    quotes: [
      ["EUR", 1.25, NOON],
      ["JPY", 1 / 150.25, NOON],
      ["XAU", 1 / 0.00024008, NOON],
      ["XBT", 1 / 0.0000124999, NOON],
    ],
  },
  {
    source: bitstamp,
    file: "bitstamp",
    assets: ["XBT"],
    url: "https://www.bitstamp.net/api/v2/ticker/",
    quotes: [
      ["XBT", 80000.5, TEN],
      ["EUR", 1.25, TEN],
      ["USDT", 0.9997, TEN],
    ],
  },
  {
    source: devnet,
    file: "devnet",
    assets: ["EUR"],
    url: "http://127.0.0.1:1/prices",
    quotes: [
      ["PEG", 0.00123456, TEN],
      ["EUR", 1.25, TEN],
      ["XBT", 80000.5, TEN],
    ],
  },
];

describe.each(CASES)("$source.name", ({ source, file, assets, url, more = [], headers, quotes }) => {
  const baseUrl = source === devnet ? { baseUrl: "http://127.0.0.1:1/prices" } : {};

  it("asks its documented address", () => {
    const requests = source.buildRequests({ key: "K", ...baseUrl }, assets);
    expect(requests.map((request) => request.url)).toEqual([url, ...more]);
    for (const request of requests)
      expect(request.headers).toMatchObject({ accept: "application/json", ...headers });
  });

  it("reads its documented reply, and leaves out what is not ours", () => {
    expect(quotesOf(source.parse(fixture(file), NOON))).toEqual(quotes);
    expect(quotes.every(([asset]) => source.assets.includes(asset))).toBe(true);
  });

  it("fails on a refusal inside a good status, on nothing, garbage, another shape and empty data", () => {
    const bodies = ["<html>", "null", "[]", "{}", "[1]", '{"data":{}}', fixture("../prices/kraken.error")];
    if (existsSync(new URL(`../../support/fixtures/prices/${file}.error.json`, import.meta.url)))
      bodies.push(fixture(`${file}.error`));
    for (const body of bodies) expect(source.parse(body, NOON), body).toHaveProperty("failure");
  });
});

describe("price sources", () => {
  it("of many requests ask for every asset they have, in answers of a few", () => {
    const pairs = kraken
      .buildRequests({}, kraken.assets)
      .map(({ url }) => (new URL(url).searchParams.get("pair") ?? "").split(","));
    expect(pairs.flat()).toHaveLength(kraken.assets.length);
    expect(Math.max(...pairs.map((list) => list.length))).toBeLessThanOrEqual(8);
    expect(coinPaprika.buildRequests({}, coinPaprika.assets)).toHaveLength(coinPaprika.assets.length);
  });

  it("refuse prices that are no finite number above 0", () => {
    const body = (price: string): string => `{"timestamp":1795341600,"prices":{"EUR":${price}}}`;
    for (const bad of ['"0"', '"-1"', '"NaN"', '"Infinity"', '""', '"1e5"', '"0x10"', '" 1"'])
      expect(devnet.parse(body(bad), NOON), bad).toEqual({ failure: "no usable price in the reply" });
    expect(quotesOf(devnet.parse(body('"1.08"'), NOON))).toEqual([["EUR", 1.08, TEN]]);
  });

  it("never have a time ahead of ours", () => {
    const ahead = fixture("devnet").replace("1795341600", "1895341600");
    expect(quotesOf(devnet.parse(ahead, NOON)).map(([, , at]) => at)).toEqual([NOON, NOON, NOON]);
  });

  it("say in which currency they quote: Binance in Tether, all others in dollars", () => {
    for (const { source, file } of CASES) {
      const reply = source.parse(fixture(file), NOON);
      const currencies =
        "quotes" in reply ? new Set(reply.quotes.map(({ currency }) => currency)) : new Set();
      expect(currencies, source.name).toEqual(new Set([source === binance ? "USDT" : "USD"]));
    }
  });

  it("ask for gold and silver by themselves at Coinbase and GoldAPI", () => {
    const urls = coinbase.buildRequests({}, ["EUR", "XAU", "XAG"]).map(({ url }) => url.split("=")[1]);
    expect(urls).toEqual(["USD", "XAU", "XAG"]);
    expect(quotesOf(coinbase.parse(fixture("coinbase-xau"), NOON))).toEqual([["XAU", 4165.2, NOON]]);
    expect(goldApi.buildRequests({}, ["XAU", "XAG"])).toHaveLength(2);
  });

  it("send no key where there is none", () => {
    const [keyless] = coinMarketCap.buildRequests({}, ["XBT"]);
    expect(keyless?.url).toContain("/public-api/v3/cryptocurrency/quotes/latest?id=1&");
    expect(keyless?.headers).toEqual({ accept: "application/json" });
    expect(coinGecko.buildRequests({ key: "" }, ["XBT"])[0]?.headers).toEqual({ accept: "application/json" });
  });

  it("need nothing to know that a dollar is a dollar", () => {
    expect(fixedUsd.buildRequests({}, ["USD"])).toEqual([]);
    expect(quotesOf(fixedUsd.parse("", NOON))).toEqual([["USD", 1, NOON]]);
  });

  it("are all covered here, are unique, and say so when they are closed", () => {
    const closed = PRICE_SOURCES.filter((source) => source.closed !== undefined);
    expect(closed.map(({ name }) => name)).toEqual(["FreeForexAPI", "PegnetMarketCap", "Factoshiio"]);
    for (const source of closed) {
      expect(source.buildRequests({}, source.assets)).toEqual([]);
      expect(source.parse("", NOON)).toMatchObject({ failure: expect.stringContaining("is closed: ") });
    }
    expect(CASES.length + closed.length + 1).toBe(PRICE_SOURCES.length);
    expect(new Set(PRICE_SOURCES.map(({ name }) => name.toLowerCase())).size).toBe(PRICE_SOURCES.length);
    expect(devnet.buildRequests({}, [])).toEqual([]);
    expect(devnet.parse("", NOON)).toMatchObject({ failure: expect.stringContaining("no address") });
  });
});
