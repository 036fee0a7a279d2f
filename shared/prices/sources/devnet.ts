/** The devnet's own price feed: dollars for every asset, moving a little all the time. */

import * as v from "valibot";
import { assetsOf } from "../../opr/assets.ts";
import { ACCEPT_JSON, dollarQuotes, ownTime, type PriceSource, readJson, readPrice } from "../source.ts";

const NAME = "Devnet";
const ASSETS = [...new Set([...assetsOf(5), "XPD", "XPT"])];
/** `timestamp` in Unix seconds. */
const REPLY = v.object({ timestamp: v.number(), prices: v.record(v.string(), v.string()) });

export const devnet: PriceSource = {
  name: NAME,
  website: "prosper devnet",
  needsKey: false,
  assets: ASSETS,
  origin: NAME,
  minPeriodMs: 0,
  buildRequests: ({ baseUrl }) => (baseUrl === undefined ? [] : [{ url: baseUrl, headers: ACCEPT_JSON }]),
  parse: (body, nowMs) =>
    body === ""
      ? { failure: "the devnet's feed has no address: it is set by `prosper up` and `prosper devnet`" }
      : readJson(body, REPLY, ({ timestamp, prices }) => {
          const atMs = ownTime(timestamp * 1000, nowMs);
          return dollarQuotes(
            NAME,
            ASSETS.map((asset) => ({ asset, price: readPrice(prices[asset]), atMs })),
          );
        }),
};
