/** PegnetMarketCap: gone with PegNet's public network in 2022. */

import { closedSource } from "../closed.ts";

export const pegnetMarketCap = closedSource(
  { name: "PegnetMarketCap", website: "https://pegnetmarketcap.com", assets: ["PEG"] },
  "PegNet's public network ended in 2022; PEG takes the operator's fixed price or the last winning one",
);
