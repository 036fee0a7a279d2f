/** CoinPaprika: dollars for a coin by id, one at a time (the whole list is too large); 20,000 calls a month and 10 a second. */

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

const NAME = "CoinPaprika";
const IDS = symbolMap(`
  XBT btc-bitcoin ETH eth-ethereum LTC ltc-litecoin RVN rvn-ravencoin XBC bch-bitcoin-cash BNB bnb-binance-coin
  XLM xlm-stellar ADA ada-cardano XMR xmr-monero DASH dash-dash ZEC zec-zcash DCR dcr-decred EOS eos-eos
  LINK link-chainlink ATOM atom-cosmos BAT bat-basic-attention-token XTZ xtz-tezos HBAR hbar-hedera NEO neo-neo
  CRO cro-cryptocom-chain ETC etc-ethereum-classic ONT ont-ontology DOGE doge-dogecoin VET vet-vechain
  ALGO algo-algorand DGB dgb-digibyte`);

const ASSETS = new Map([...IDS].map(([asset, id]) => [id, asset]));

const REPLY = v.union([
  v.object({
    id: v.string(),
    last_updated: v.string(),
    quotes: v.object({ USD: v.object({ price: v.nullable(v.number()) }) }),
  }),
  v.object({ error: v.string() }),
]);

export const coinPaprika: PriceSource = {
  name: NAME,
  website: "https://coinpaprika.com",
  needsKey: false,
  assets: [...IDS.keys()],
  origin: "coin-averages",
  // 26 calls an hour are 19,000 a month.
  minPeriodMs: 3_600_000,
  spacingMs: 150,
  buildRequests: ({ baseUrl = "https://api.coinpaprika.com" }, assets) =>
    namesOf(assets, IDS).map((id) => ({ url: `${baseUrl}/v1/tickers/${id}`, headers: ACCEPT_JSON })),
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if ("error" in reply) return { failure: `refused: ${reply.error.slice(0, 200)}` };
      const asset = ASSETS.get(reply.id);
      if (asset === undefined)
        return { failure: `expected a coin that was asked for, got ${reply.id.slice(0, 50)}` };
      return dollarQuotes(NAME, [
        {
          asset,
          price: readPrice(reply.quotes.USD.price),
          atMs: ownTime(Date.parse(reply.last_updated), nowMs),
        },
      ]);
    }),
};
