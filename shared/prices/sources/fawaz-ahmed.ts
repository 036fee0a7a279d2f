/** fawazahmed0's currency API on a CDN: units for a dollar by symbol, daily at midnight UTC. Coins only where a symbol is one coin's. */

import * as v from "valibot";
import { FIAT } from "../asset-class.ts";
import {
  ACCEPT_JSON,
  dollarQuotes,
  endOfDay,
  invertRate,
  type PriceSource,
  readJson,
  symbolMap,
} from "../source.ts";

const NAME = "FawazAhmed0";
const CODES = new Map([
  ...FIAT.map((asset) => [asset, asset.toLowerCase()] as const),
  ...symbolMap(`
    XAU xau XAG xag XBT btc ETH eth LTC ltc BNB bnb XLM xlm ADA ada XMR xmr DASH dash ZEC zec DCR dcr RVN rvn
    LINK link ATOM atom BAT bat XTZ xtz HBAR hbar NEO neo CRO cro ETC etc DOGE doge VET vet ALGO algo`),
]);

const REPLY = v.object({ date: v.string(), usd: v.record(v.string(), v.number()) });

export const fawazAhmed: PriceSource = {
  name: NAME,
  website: "https://github.com/fawazahmed0/exchange-api",
  needsKey: false,
  assets: [...CODES.keys()],
  origin: NAME,
  minPeriodMs: 3_600_000,
  buildRequests: ({ baseUrl = "https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest" }) => [
    { url: `${baseUrl}/v1/currencies/usd.min.json`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ date, usd }) => {
      const atMs = endOfDay(date, nowMs);
      return dollarQuotes(
        NAME,
        [...CODES].map(([asset, code]) => ({ asset, price: invertRate(usd[code]), atMs })),
      );
    }),
};
