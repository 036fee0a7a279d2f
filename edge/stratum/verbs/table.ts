/** mining.table: how much of its table a miner has made, in percent (STRATUM.md, T4). Until it has it all it cannot mine. */

import type { Verb } from "./verb.ts";

export const table: Verb = {
  minParams: 1,
  barrier: false,
  // Differs from prosper-pool: there no miner connects before it has its table.
  run(session, { params: [text = ""] }) {
    if (/^\d{1,3}$/.test(text) && Number(text) <= 100) session.tableMade(Number(text));
    return "";
  },
};
