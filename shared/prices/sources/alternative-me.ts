/** AlternativeMe's ticker: dollars for the 300 largest coins. It is not documented how fresh the prices are, so its own times decide. */

import * as v from "valibot";
import { ACCEPT_JSON, dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";
import { COIN_MARKET_CAP_IDS } from "./coin-market-cap-ids.ts";

const NAME = "AlternativeMe";
const ABSENT = new Set(["PEG", "ATOM", "HBAR", "CRO", "VET", "ALGO", "DGB"]);
const ASSETS = [...COIN_MARKET_CAP_IDS.keys()].filter((asset) => !ABSENT.has(asset));
const REPLY = v.object({
  data: v.record(
    v.string(),
    v.object({
      last_updated: v.number(),
      quotes: v.object({ USD: v.object({ price: v.nullable(v.number()) }) }),
    }),
  ),
});

export const alternativeMe: PriceSource = {
  name: NAME,
  website: "https://alternative.me/crypto/api/",
  needsKey: false,
  assets: ASSETS,
  origin: "coin-averages",
  minPeriodMs: 300_000,
  buildRequests: ({ baseUrl = "https://api.alternative.me" }) => [
    { url: `${baseUrl}/v2/ticker/?convert=USD&limit=300`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ data }) =>
      dollarQuotes(
        NAME,
        ASSETS.map((asset) => {
          const coin = data[COIN_MARKET_CAP_IDS.get(asset) ?? ""];
          return {
            asset,
            price: readPrice(coin?.quotes.USD.price),
            atMs: ownTime(coin && coin.last_updated * 1000, nowMs),
          };
        }),
      ),
    ),
};
