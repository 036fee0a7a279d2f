/** mining.suggest_target: a wish inside vardiff's bounds; the answer, if any, is a set_target (STRATUM.md, T3). */

import { parseTarget } from "../../../shared/messages/stratum.ts";
import type { Verb } from "./verb.ts";

export const suggestTarget: Verb = {
  minParams: 1,
  barrier: false,
  run(session, { params: [text = ""] }) {
    // Differs from prosper-pool: there the wish is ignored.
    const target = parseTarget(text.replace(/^0x/i, ""));
    if (target !== undefined && session.login.current !== undefined) session.pairs.wish(target);
    return "";
  },
};
