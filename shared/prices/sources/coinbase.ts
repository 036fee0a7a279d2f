/** Coinbase's exchange rates: units for a dollar; gold and silver are asked for themselves, since their rates have few digits. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import {
  ACCEPT_JSON,
  dollarQuotes,
  invertRate,
  type PriceSource,
  readJson,
  readPrice,
  symbolMap,
} from "../source.ts";

const NAME = "Coinbase";
const DIRECT = ["XAU", "XAG"];
const CODES = new Map([
  ...FIAT.map((asset) => [asset, asset] as const),
  ...symbolMap(`
    XBT BTC ETH ETH LTC LTC XBC BCH BNB BNB XLM XLM ADA ADA DASH DASH ZEC ZEC EOS EOS LINK LINK ATOM ATOM BAT BAT
    XTZ XTZ HBAR HBAR CRO CRO ETC ETC DOGE DOGE VET VET ALGO ALGO`),
]);

const REPLY = v.object({
  data: v.object({ currency: v.string(), rates: v.record(v.string(), v.string()) }),
});

export const coinbase: PriceSource = {
  name: NAME,
  website: "https://www.coinbase.com",
  needsKey: false,
  assets: [...CODES.keys(), ...DIRECT],
  origin: NAME,
  minPeriodMs: 60_000,
  buildRequests({ baseUrl = "https://api.coinbase.com" }, assets) {
    const direct = assets.filter((asset) => DIRECT.includes(asset));
    const bases = assets.length > direct.length ? ["USD", ...direct] : direct;
    return bases.map((base) => ({
      url: `${baseUrl}/v2/exchange-rates?currency=${base}`,
      headers: ACCEPT_JSON,
    }));
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ data: { currency, rates } }) => {
      if (DIRECT.includes(currency))
        return dollarQuotes(NAME, [{ asset: currency, price: readPrice(rates["USD"]), atMs: nowMs }]);
      if (currency !== "USD") return { failure: `expected rates for USD, got ${currency}` };
      return dollarQuotes(
        NAME,
        [...CODES].map(([asset, code]) => ({ asset, price: invertRate(rates[code]), atMs: nowMs })),
      );
    }),
};
