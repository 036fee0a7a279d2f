/**
 * Kraken's ticker: last trades in real dollars, around the clock. It is asked for four lists, since the answer for all pairs is too large,
 * and one delisted pair makes its whole list fail.
 */

import * as v from "valibot";
import { TETHER } from "../quote.ts";
import {
  ACCEPT_JSON,
  dollarQuotes,
  invertRate,
  namesOf,
  type PriceSource,
  readJson,
  readPrice,
  symbolMap,
} from "../source.ts";

const NAME = "Kraken";
/** Kraken's own names of the pairs, as its replies have them. */
const DOLLARS_PER_UNIT = symbolMap(`
  XBT XXBTZUSD ETH XETHZUSD LTC XLTCZUSD XBC BCHUSD BNB BNBUSD XLM XXLMZUSD ADA ADAUSD XMR XXMRZUSD DASH DASHUSD
  ZEC XZECZUSD EOS AUSD LINK LINKUSD ATOM ATOMUSD BAT BATUSD XTZ XTZUSD HBAR HBARUSD CRO CROUSD ETC XETCZUSD
  DOGE XDGUSD ALGO ALGOUSD EUR ZEURZUSD GBP ZGBPZUSD AUD AUDUSD ${TETHER} USDTZUSD`);
const UNITS_PER_DOLLAR = symbolMap("JPY ZUSDZJPY CHF USDCHF CAD ZUSDZCAD");

/** The oldest and most traded pairs are in one list: they are the least likely to be delisted. */
const PAIR_LISTS = [
  ["XXBTZUSD", "XETHZUSD", "XLTCZUSD", "XXLMZUSD", "XXMRZUSD", "XZECZUSD", "XETCZUSD", "XDGUSD"],
  ["BCHUSD", "ADAUSD", "LINKUSD", "ATOMUSD", "XTZUSD", "ALGOUSD", "DASHUSD"],
  ["BNBUSD", "HBARUSD", "CROUSD", "BATUSD", "AUSD"],
  ["ZEURZUSD", "ZGBPZUSD", "AUDUSD", "ZUSDZJPY", "USDCHF", "ZUSDZCAD", "USDTZUSD"],
];

const REPLY = v.object({
  error: v.array(v.string()),
  result: v.optional(v.record(v.string(), v.object({ c: v.looseTuple([v.string()]) }))),
});

export const kraken: PriceSource = {
  name: NAME,
  website: "https://www.kraken.com",
  needsKey: false,
  assets: [...DOLLARS_PER_UNIT.keys(), ...UNITS_PER_DOLLAR.keys()],
  origin: NAME,
  minPeriodMs: 60_000,
  spacingMs: 1_100,
  buildRequests({ baseUrl = "https://api.kraken.com" }, assets) {
    // All sources that quote in Tether need the Tether price.
    const wanted = new Set([
      ...namesOf([...assets, TETHER], DOLLARS_PER_UNIT),
      ...namesOf(assets, UNITS_PER_DOLLAR),
    ]);
    const lists = PAIR_LISTS.map((pairs) => pairs.filter((pair) => wanted.has(pair)));
    return lists
      .filter((pairs) => pairs.length > 0)
      .map((pairs) => ({
        url: `${baseUrl}/0/public/Ticker?pair=${pairs.join("%2C")}`,
        headers: ACCEPT_JSON,
      }));
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, ({ error, result = {} }) => {
      if (error.length > 0) return { failure: `refused: ${error.join(", ").slice(0, 200)}` };
      const last = (pair: string): string | undefined => result[pair]?.c[0];
      return dollarQuotes(NAME, [
        ...[...DOLLARS_PER_UNIT].map(([asset, pair]) => ({
          asset,
          price: readPrice(last(pair)),
          atMs: nowMs,
        })),
        ...[...UNITS_PER_DOLLAR].map(([asset, pair]) => ({
          asset,
          price: invertRate(last(pair)),
          atMs: nowMs,
        })),
      ]);
    }),
};
