/** CoinPaprika: dollars for a coin by id, refreshed every ten minutes; the whole list at once, 20,000 calls a month. */

import * as v from "valibot";
import {
  ACCEPT_JSON,
  dollarQuotes,
  ownTime,
  type PriceSource,
  readJson,
  readPrice,
  symbolMap,
} from "../source.ts";

const NAME = "CoinPaprika";
const IDS = symbolMap(`
  XBT btc-bitcoin ETH eth-ethereum LTC ltc-litecoin RVN rvn-ravencoin XBC bch-bitcoin-cash BNB bnb-binance-coin
  XLM xlm-stellar ADA ada-cardano XMR xmr-monero DASH dash-dash ZEC zec-zcash DCR dcr-decred EOS eos-eos
  LINK link-chainlink ATOM atom-cosmos BAT bat-basic-attention-token XTZ xtz-tezos HBAR hbar-hedera NEO neo-neo
  CRO cro-cryptocom-chain ETC etc-ethereum-classic ONT ont-ontology DOGE doge-dogecoin VET vet-vechain
  ALGO algo-algorand DGB dgb-digibyte`);

const REPLY = v.union([
  v.array(
    v.object({
      id: v.string(),
      last_updated: v.string(),
      quotes: v.object({ USD: v.object({ price: v.nullable(v.number()) }) }),
    }),
  ),
  v.object({ error: v.string() }),
]);

export const coinPaprika: PriceSource = {
  name: NAME,
  website: "https://coinpaprika.com",
  needsKey: false,
  assets: [...IDS.keys()],
  origin: "coin-averages",
  minPeriodMs: 150_000,
  maxBytes: 6_000_000,
  buildRequests: ({ baseUrl = "https://api.coinpaprika.com" }) => [
    { url: `${baseUrl}/v1/tickers`, headers: ACCEPT_JSON },
  ],
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("error" in reply) return { failure: `refused: ${reply.error.slice(0, 200)}` };
      const coins = new Map(reply.map((coin) => [coin.id, coin]));
      return dollarQuotes(
        NAME,
        [...IDS].map(([asset, id]) => {
          const coin = coins.get(id);
          return {
            asset,
            price: readPrice(coin?.quotes.USD.price),
            atMs: ownTime(Date.parse(coin?.last_updated ?? ""), nowMs),
          };
        }),
      );
    }),
};
