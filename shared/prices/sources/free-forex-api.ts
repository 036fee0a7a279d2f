/** FreeForexAPI: no trace of it after 2020. */

import { FIAT } from "../asset-class.ts";
import { closedSource } from "../closed.ts";

export const freeForexApi = closedSource(
  { name: "FreeForexAPI", website: "https://www.freeforexapi.com", assets: [...FIAT, "XAU", "XAG"] },
  "no trace of the service since 2020; use Coinbase, Frankfurter or OpenERAPI",
);
