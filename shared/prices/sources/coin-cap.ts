/** CoinCap v3: dollars for a coin, by CoinCap's ids; a key is needed since v2 closed in 2025. */

import * as v from "valibot";
import {
  ACCEPT_JSON,
  dollarQuotes,
  namesOf,
  ownTime,
  type PriceSource,
  readJson,
  readPrice,
  symbolMap,
} from "../source.ts";

const NAME = "CoinCap";
const IDS = symbolMap(`
  XBT bitcoin ETH ethereum LTC litecoin RVN ravencoin XBC bitcoin-cash BNB binance-coin XLM stellar ADA cardano
  XMR monero DASH dash ZEC zcash DCR decred EOS eos LINK chainlink ATOM cosmos BAT basic-attention-token XTZ tezos
  NEO neo ETC ethereum-classic ONT ontology DOGE dogecoin VET vechain HT huobi-token ALGO algorand FCT factom`);

const REPLY = v.object({
  timestamp: v.number(),
  data: v.array(v.object({ id: v.string(), priceUsd: v.nullable(v.string()) })),
});

export const coinCap: PriceSource = {
  name: NAME,
  website: "https://coincap.io",
  needsKey: true,
  assets: [...IDS.keys()],
  origin: NAME,
  minPeriodMs: 480_000,
  buildRequests({ key = "", baseUrl = "https://rest.coincap.io" }, assets) {
    const query = new URLSearchParams({ ids: namesOf(assets, IDS).join(",") });
    return [
      { url: `${baseUrl}/v3/assets?${query}`, headers: { ...ACCEPT_JSON, authorization: `Bearer ${key}` } },
    ];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      const prices = new Map(reply.data.map(({ id, priceUsd }) => [id, priceUsd]));
      const atMs = ownTime(reply.timestamp, nowMs);
      return dollarQuotes(
        NAME,
        [...IDS].map(([asset, id]) => ({ asset, price: readPrice(prices.get(id)), atMs })),
      );
    }),
};
