/** Factoshiio: deprecated by the reference itself, gone with the public network. */

import { closedSource } from "../closed.ts";

export const factoshiio = closedSource(
  { name: "Factoshiio", website: "https://factoshi.io", assets: ["PEG"] },
  "the service is gone; PEG takes the operator's fixed price or the last winning one",
);
