/** open.er-api.com: units for a dollar, daily, without a key. Must be named where its rates are shown. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import { ACCEPT_JSON, dollarQuotes, invertRate, ownTime, type PriceSource, readJson } from "../source.ts";

const NAME = "OpenERAPI";
const REPLY = v.union([
  v.object({
    result: v.literal("success"),
    time_last_update_unix: v.number(),
    base_code: v.optional(v.literal("USD"), "USD"),
    rates: v.record(v.string(), v.number()),
  }),
  v.object({ result: v.literal("error"), "error-type": v.string() }),
]);

export const openErApi: PriceSource = {
  name: NAME,
  website: "https://www.exchangerate-api.com",
  needsKey: false,
  assets: FIAT,
  origin: NAME,
  minPeriodMs: 3_600_000,
  buildRequests: ({ baseUrl = "https://open.er-api.com" }) => [
    { url: `${baseUrl}/v6/latest/USD`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if (reply.result === "error") return { failure: `refused: ${reply["error-type"]}` };
      const atMs = ownTime(reply.time_last_update_unix * 1000, nowMs);
      return dollarQuotes(
        NAME,
        FIAT.map((asset) => ({ asset, price: invertRate(reply.rates[asset]), atMs })),
      );
    }),
};
