/** Binance's ticker: last trades in Tether, not dollars. All symbols are asked for: one unknown would fail a list. */

import * as v from "valibot";
import type { Quote } from "../quote.ts";
import { ACCEPT_JSON, type PriceSource, readJson, readPrice, symbolMap } from "../source.ts";

const NAME = "Binance";
const SYMBOLS = symbolMap(`
  XBT BTCUSDT ETH ETHUSDT LTC LTCUSDT RVN RVNUSDT XBC BCHUSDT BNB BNBUSDT XLM XLMUSDT ADA ADAUSDT DASH DASHUSDT
  ZEC ZECUSDT DCR DCRUSDT EOS AUSDT LINK LINKUSDT ATOM ATOMUSDT BAT BATUSDT XTZ XTZUSDT HBAR HBARUSDT NEO NEOUSDT
  ETC ETCUSDT ONT ONTUSDT DOGE DOGEUSDT VET VETUSDT ALGO ALGOUSDT DGB DGBUSDT`);

const REPLY = v.union([
  v.array(v.object({ symbol: v.string(), price: v.string() })),
  v.object({ code: v.number(), msg: v.string() }),
]);

export const binance: PriceSource = {
  name: NAME,
  website: "https://www.binance.com",
  needsKey: false,
  assets: [...SYMBOLS.keys()],
  origin: NAME,
  minPeriodMs: 60_000,
  buildRequests: ({ baseUrl = "https://data-api.binance.vision" }) => [
    { url: `${baseUrl}/api/v3/ticker/price`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("code" in reply) return { failure: `refused with code ${reply.code}: ${reply.msg}` };
      const prices = new Map(reply.map(({ symbol, price }) => [symbol, price]));
      const quotes = [...SYMBOLS].flatMap(([asset, symbol]): Quote[] => {
        const price = readPrice(prices.get(symbol));
        if (price === undefined) return [];
        return [{ asset, source: NAME, price, currency: "USDT", quotedAtMs: nowMs }];
      });
      return quotes.length === 0 ? { failure: "no usable price in the reply" } : { quotes };
    }),
};
