/** Frankfurter v2: the central banks' rates, daily; units for a dollar, gold and silver per ounce. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import { ACCEPT_JSON, dollarQuotes, endOfDay, invertRate, type PriceSource, readJson } from "../source.ts";

const NAME = "Frankfurter";
const ASSETS = [...FIAT, "XAU", "XAG"];
const REPLY = v.array(
  v.object({ date: v.string(), base: v.literal("USD"), quote: v.string(), rate: v.number() }),
);

export const frankfurter: PriceSource = {
  name: NAME,
  website: "https://frankfurter.dev",
  needsKey: false,
  assets: ASSETS,
  origin: "central-banks",
  minPeriodMs: 3_600_000,
  buildRequests({ baseUrl = "https://api.frankfurter.dev" }, assets) {
    const query = new URLSearchParams({ base: "USD", quotes: assets.join(",") });
    return [{ url: `${baseUrl}/v2/rates?${query}`, headers: ACCEPT_JSON }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (rows) => {
      const rates = new Map(rows.map((row) => [row.quote, row]));
      return dollarQuotes(
        NAME,
        ASSETS.map((asset) => {
          const row = rates.get(asset);
          return { asset, price: invertRate(row?.rate), atMs: row && endOfDay(row.date, nowMs) };
        }),
      );
    }),
};
