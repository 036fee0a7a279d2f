/** OpenExchangeRates: units for a dollar, hourly on the free key; all currencies, gold and silver. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import { ACCEPT_JSON, dollarQuotes, invertRate, ownTime, type PriceSource, readJson } from "../source.ts";

const NAME = "OpenExchangeRates";
const ASSETS = [...FIAT, "XAU", "XAG", "XBT"];
const OWN_NAMES: Readonly<Record<string, string>> = { XBT: "BTC" };
const REPLY = v.union([
  v.object({ timestamp: v.number(), base: v.literal("USD"), rates: v.record(v.string(), v.number()) }),
  v.object({ error: v.literal(true), status: v.number(), message: v.string() }),
]);

export const openExchangeRates: PriceSource = {
  name: NAME,
  website: "https://openexchangerates.org",
  needsKey: true,
  assets: ASSETS,
  origin: NAME,
  minPeriodMs: 45 * 60_000,
  buildRequests({ key = "", baseUrl = "https://openexchangerates.org" }) {
    return [
      { url: `${baseUrl}/api/latest.json?${new URLSearchParams({ app_id: key })}`, headers: ACCEPT_JSON },
    ];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("error" in reply) return { failure: `refused with status ${reply.status}: ${reply.message}` };
      const atMs = ownTime(reply.timestamp * 1000, nowMs);
      return dollarQuotes(
        NAME,
        ASSETS.map((asset) => ({ asset, price: invertRate(reply.rates[OWN_NAMES[asset] ?? asset]), atMs })),
      );
    }),
};
