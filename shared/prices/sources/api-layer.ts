/** APILayer's currencylayer: units for a dollar, daily on the free key. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import { ACCEPT_JSON, dollarQuotes, invertRate, ownTime, type PriceSource, readJson } from "../source.ts";

const NAME = "APILayer";
const REPLY = v.union([
  v.object({
    success: v.literal(true),
    timestamp: v.number(),
    source: v.literal("USD"),
    quotes: v.record(v.string(), v.number()),
  }),
  v.object({
    success: v.literal(false),
    error: v.object({ code: v.number(), info: v.optional(v.string(), "") }),
  }),
]);

export const apiLayer: PriceSource = {
  name: NAME,
  website: "https://currencylayer.com",
  needsKey: true,
  assets: FIAT,
  origin: NAME,
  minPeriodMs: 7.5 * 3_600_000,
  buildRequests({ key = "", baseUrl = "https://api.currencylayer.com" }, assets) {
    const query = new URLSearchParams({ access_key: key, source: "USD", currencies: assets.join(",") });
    return [{ url: `${baseUrl}/live?${query}`, headers: ACCEPT_JSON }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if (!reply.success) return { failure: `refused with code ${reply.error.code}: ${reply.error.info}` };
      const atMs = ownTime(reply.timestamp * 1000, nowMs);
      return dollarQuotes(
        NAME,
        FIAT.map((asset) => ({ asset, price: invertRate(reply.quotes[`USD${asset}`]), atMs })),
      );
    }),
};
