/** ExchangeRates (exchangeratesapi.io): units for a euro once a day; crossed into dollars. A key is needed since 2021. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import { ACCEPT_JSON, dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";

const NAME = "ExchangeRates";
const REPLY = v.union([
  v.object({
    success: v.literal(true),
    timestamp: v.number(),
    base: v.string(),
    rates: v.record(v.string(), v.number()),
  }),
  v.object({ error: v.object({ code: v.union([v.string(), v.number()]) }) }),
]);

export const exchangeRates: PriceSource = {
  name: NAME,
  website: "https://exchangeratesapi.io",
  needsKey: true,
  assets: FIAT,
  origin: NAME,
  minPeriodMs: 7.5 * 3_600_000,
  buildRequests({ key = "", baseUrl = "https://api.exchangeratesapi.io" }, assets) {
    const query = new URLSearchParams({ access_key: key, symbols: ["USD", ...assets].join(",") });
    return [{ url: `${baseUrl}/v1/latest?${query}`, headers: ACCEPT_JSON }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("error" in reply) return { failure: `refused with code ${reply.error.code}` };
      const { rates, base, timestamp } = reply;
      const dollars = base === "USD" ? 1 : readPrice(rates["USD"]);
      if (dollars === undefined) return { failure: `expected a rate of USD for a ${base}, got none` };
      const atMs = ownTime(timestamp * 1000, nowMs);
      return dollarQuotes(
        NAME,
        FIAT.map((asset) => {
          const rate = asset === base ? 1 : readPrice(rates[asset]);
          return { asset, price: rate && dollars / rate, atMs };
        }),
      );
    }),
};
