/** CoinGecko: dollars for a coin by id; without a key a few times a minute, with a free one more. Wants to be named. */

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

const NAME = "CoinGecko";
const IDS = symbolMap(`
  PEG pegnet XBT bitcoin ETH ethereum LTC litecoin RVN ravencoin XBC bitcoin-cash FCT factom BNB binancecoin XLM stellar
  ADA cardano XMR monero DASH dash ZEC zcash DCR decred EOS vaulta LINK chainlink ATOM cosmos BAT basic-attention-token
  XTZ tezos HBAR hedera-hashgraph NEO neo CRO crypto-com-chain ETC ethereum-classic ONT ontology DOGE dogecoin
  VET vechain HT huobi-token ALGO algorand DGB digibyte`);

const REPLY = v.union([
  v.object({ status: v.object({ error_code: v.number(), error_message: v.optional(v.string(), "") }) }),
  v.record(
    v.string(),
    v.object({ usd: v.optional(v.nullable(v.number())), last_updated_at: v.optional(v.number()) }),
  ),
]);

function isRefusal(
  reply: v.InferOutput<typeof REPLY>,
): reply is { status: { error_code: number; error_message: string } } {
  return "status" in reply && "error_code" in reply.status;
}

export const coinGecko: PriceSource = {
  name: NAME,
  website: "https://www.coingecko.com",
  needsKey: false,
  assets: [...IDS.keys()],
  origin: "coin-averages",
  minPeriodMs: 60_000,
  buildRequests({ key, baseUrl = "https://api.coingecko.com" }, assets) {
    const query = new URLSearchParams({
      ids: namesOf(assets, IDS).join(","),
      vs_currencies: "usd",
      include_last_updated_at: "true",
    });
    const demoKey = key === undefined || key === "" ? {} : { "x-cg-demo-api-key": key };
    return [{ url: `${baseUrl}/api/v3/simple/price?${query}`, headers: { ...ACCEPT_JSON, ...demoKey } }];
  },
  parse: (body, nowMs) =>
    readJson(body, REPLY, (reply) => {
      if (isRefusal(reply))
        return { failure: `refused with code ${reply.status.error_code}: ${reply.status.error_message}` };
      return dollarQuotes(
        NAME,
        [...IDS].map(([asset, id]) => ({
          asset,
          price: readPrice(reply[id]?.usd),
          atMs: ownTime((reply[id]?.last_updated_at ?? 0) * 1000, nowMs),
        })),
      );
    }),
};
