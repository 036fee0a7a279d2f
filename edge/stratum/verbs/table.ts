/** mining.table: how much of its table a miner has made, in percent, and of how many bits it is (STRATUM.md, T4). Until it has it all it cannot mine. */

import { wrongTableWords } from "../goodbye-messages.ts";
import type { Verb } from "./verb.ts";

export const table: Verb = {
  minParams: 1,
  barrier: false,
  // Differs from prosper-pool: there no miner connects before it has its table.
  run(session, { params: [text = "", bits = ""] }) {
    if (/^\d{1,3}$/.test(text) && Number(text) <= 100) session.tableMade(Number(text));
    const { tableBits } = session.modules.settings;
    if (tableBits !== undefined && /^\d{1,2}$/.test(bits) && Number(bits) !== tableBits)
      session.sighting?.failed(
        "wrong-table",
        `its table has ${Number(bits)} bits, but ${wrongTableWords(tableBits)}`,
      );
    return "";
  },
};
