/** Kitco: bids for gold and silver in dollars per ounce, from the site's own GraphQL (undocumented; the page once scraped is gone). */

import * as v from "valibot";
import { dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";

const NAME = "Kitco";
const METAL = v.object({
  results: v.array(
    v.object({
      bid: v.number(),
      timestamp: v.number(),
      unit: v.pipe(v.string(), v.toUpperCase(), v.literal("OUNCE")),
    }),
  ),
});
const REPLY = v.object({ data: v.object({ XAU: METAL, XAG: METAL }) });

const SYMBOLS = { XAU: "AU", XAG: "AG" };
const QUERY = `query {${Object.entries(SYMBOLS)
  .map(
    ([asset, symbol]) =>
      ` ${asset}: GetMetalQuoteV3(symbol: "${symbol}", currency: "USD") { results { bid timestamp unit } }`,
  )
  .join("")} }`;

export const kitco: PriceSource = {
  name: NAME,
  website: "https://www.kitco.com",
  needsKey: false,
  assets: Object.keys(SYMBOLS),
  origin: NAME,
  minPeriodMs: 60_000,
  buildRequests: ({ baseUrl = "https://kdb-gw.prod.kitco.com" }) => [
    {
      url: `${baseUrl}/`,
      headers: { accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify({ query: QUERY }),
    },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ data }) =>
      dollarQuotes(
        NAME,
        Object.entries(data).map(([asset, { results }]) => ({
          asset,
          price: readPrice(results[0]?.bid),
          atMs: ownTime((results[0]?.timestamp ?? 0) * 1000, nowMs),
        })),
      ),
    ),
};
