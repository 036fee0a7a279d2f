/** gold-api.com: dollars per ounce of gold and silver, without a key; asks for 30 s of caching. */

import * as v from "valibot";
import { ACCEPT_JSON, dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";

const NAME = "GoldAPI";
const ASSETS = ["XAU", "XAG"];
const REPLY = v.object({
  symbol: v.picklist(ASSETS),
  currency: v.optional(v.literal("USD"), "USD"),
  price: v.number(),
  updatedAt: v.string(),
});

export const goldApi: PriceSource = {
  name: NAME,
  website: "https://gold-api.com",
  needsKey: false,
  assets: ASSETS,
  origin: NAME,
  minPeriodMs: 60_000,
  buildRequests: ({ baseUrl = "https://api.gold-api.com" }, assets) =>
    assets.map((asset) => ({ url: `${baseUrl}/price/${asset}`, headers: ACCEPT_JSON })),
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ symbol, price, updatedAt }) =>
      dollarQuotes(NAME, [
        { asset: symbol, price: readPrice(price), atMs: ownTime(Date.parse(updatedAt), nowMs) },
      ]),
    ),
};
