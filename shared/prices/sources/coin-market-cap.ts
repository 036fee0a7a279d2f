/** CoinMarketCap v3: dollars for a coin by number; with a key, or by the address for trials without one. */

import * as v from "valibot";
import {
  ACCEPT_JSON,
  dollarQuotes,
  namesOf,
  ownTime,
  type PriceSource,
  readJson,
  readPrice,
} from "../source.ts";
import { COIN_MARKET_CAP_IDS } from "./coin-market-cap-ids.ts";

const NAME = "CoinMarketCap";
const STATUS = v.object({
  error_code: v.union([v.number(), v.pipe(v.string(), v.transform(Number))]),
  error_message: v.optional(v.nullable(v.string())),
});
const REPLY = v.object({
  status: STATUS,
  data: v.optional(
    v.array(
      v.object({
        id: v.number(),
        quote: v.array(
          v.object({ symbol: v.string(), price: v.nullable(v.number()), last_updated: v.string() }),
        ),
      }),
    ),
  ),
});

export const coinMarketCap: PriceSource = {
  name: NAME,
  website: "https://coinmarketcap.com",
  needsKey: false,
  assets: [...COIN_MARKET_CAP_IDS.keys()],
  origin: "coin-averages",
  minPeriodMs: 180_000,
  buildRequests({ key, baseUrl = "https://pro-api.coinmarketcap.com" }, assets) {
    const ids = namesOf(assets, COIN_MARKET_CAP_IDS).join(",");
    const query = new URLSearchParams({ id: ids, convert: "USD" });
    const path = "v3/cryptocurrency/quotes/latest";
    return key === undefined || key === ""
      ? [{ url: `${baseUrl}/public-api/${path}?${query}`, headers: ACCEPT_JSON }]
      : [{ url: `${baseUrl}/${path}?${query}`, headers: { ...ACCEPT_JSON, "x-cmc_pro_api_key": key } }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ status, data = [] }) => {
      if (status.error_code !== 0)
        return { failure: `refused with code ${status.error_code}: ${status.error_message ?? ""}` };
      const quotes = new Map(
        data.map(({ id, quote }) => [String(id), quote.find(({ symbol }) => symbol === "USD")]),
      );
      return dollarQuotes(
        NAME,
        [...COIN_MARKET_CAP_IDS].map(([asset, id]) => {
          const quote = quotes.get(id);
          return {
            asset,
            price: readPrice(quote?.price),
            atMs: ownTime(Date.parse(quote?.last_updated ?? ""), nowMs),
          };
        }),
      );
    }),
};
