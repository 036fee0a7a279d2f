/** 1Forge: dollars for a currency or an ounce; 100 calls a day on the free key. Its fields are s, p, t today, once symbol, price, timestamp. */

import * as v from "valibot";
import { ACCEPT_JSON, dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";

const NAME = "1Forge";
const ASSETS = "EUR JPY GBP CAD CHF SGD HKD MXN XAU XAG AUD NZD SEK NOK RUB ZAR TRY".split(" ");
const CURRENT = v.object({ s: v.string(), p: v.number(), t: v.number() });
const OLD = v.pipe(
  v.object({ symbol: v.string(), price: v.number(), timestamp: v.number() }),
  v.transform(({ symbol, price, timestamp }) => ({ s: symbol, p: price, t: timestamp })),
);
const REPLY = v.union([
  v.array(v.union([CURRENT, OLD])),
  v.object({ error: v.literal(true), message: v.string() }),
]);

/** Times in seconds end here; what is larger is in milliseconds. */
const SECONDS_END = 1e11;

export const oneForge: PriceSource = {
  name: NAME,
  website: "https://1forge.com",
  needsKey: true,
  assets: ASSETS,
  origin: NAME,
  minPeriodMs: 15 * 60_000,
  buildRequests({ key = "", baseUrl = "https://api.1forge.com" }, assets) {
    const query = new URLSearchParams({
      pairs: assets.map((asset) => `${asset}/USD`).join(","),
      api_key: key,
    });
    return [{ url: `${baseUrl}/quotes?${query}`, headers: ACCEPT_JSON }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("error" in reply) return { failure: `refused: ${reply.message}` };
      const quotes = new Map(reply.map((quote) => [quote.s.replace("/", ""), quote]));
      return dollarQuotes(
        NAME,
        ASSETS.map((asset) => {
          const quote = quotes.get(`${asset}USD`);
          const atMs = quote && (quote.t < SECONDS_END ? quote.t * 1000 : quote.t);
          return { asset, price: readPrice(quote?.p), atMs: ownTime(atMs, nowMs) };
        }),
      );
    }),
};
