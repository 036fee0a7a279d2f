/** Bitstamp's ticker: last trades in real dollars of the large coins, the euro and the pound, with times of its own. */

import * as v from "valibot";
import { TETHER } from "../quote.ts";
import {
  ACCEPT_JSON,
  dollarQuotes,
  ownTime,
  type PriceSource,
  readJson,
  readPrice,
  symbolMap,
} from "../source.ts";

const NAME = "Bitstamp";
const PAIRS = symbolMap(`
  XBT BTC/USD ETH ETH/USD LTC LTC/USD XBC BCH/USD XLM XLM/USD ADA ADA/USD LINK LINK/USD BAT BAT/USD HBAR HBAR/USD
  DOGE DOGE/USD ALGO ALGO/USD EUR EUR/USD GBP GBP/USD ${TETHER} USDT/USD`);

const REPLY = v.array(v.object({ pair: v.string(), last: v.string(), timestamp: v.string() }));

export const bitstamp: PriceSource = {
  name: NAME,
  website: "https://www.bitstamp.net",
  needsKey: false,
  assets: [...PAIRS.keys()],
  origin: NAME,
  minPeriodMs: 60_000,
  buildRequests: ({ baseUrl = "https://www.bitstamp.net" }) => [
    { url: `${baseUrl}/api/v2/ticker/`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, (rows) => {
      const tickers = new Map(rows.map((row) => [row.pair, row]));
      return dollarQuotes(
        NAME,
        [...PAIRS].map(([asset, pair]) => {
          const ticker = tickers.get(pair);
          return {
            asset,
            price: readPrice(ticker?.last),
            atMs: ownTime(Number(ticker?.timestamp) * 1000, nowMs),
          };
        }),
      );
    }),
};
