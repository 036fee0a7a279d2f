/** mining.ping: answered before shares that wait for the disk, so that a miner tells a slow pool from one that is gone (STRATUM.md, G2). */

import { encodeResult } from "../../../shared/messages/stratum.ts";
import type { Verb } from "./verb.ts";

export const ping: Verb = {
  minParams: 0,
  barrier: false,
  isAnsweredAtOnce: true,
  // Differs from prosper-pool: there nothing is answered before an earlier request.
  run: (_session, { id }) => encodeResult(id, true),
};
