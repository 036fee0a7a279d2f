/** mining.get_oprhash: the oprHash of a job that was announced here (STRATUM.md, G1). */

import { encodeError, encodeResult, parseJobId, stratumError } from "../../../shared/messages/stratum.ts";
import type { Verb } from "./verb.ts";

export const getOprHash: Verb = {
  minParams: 1,
  barrier: false,
  run(session, { id, params: [jobId = ""] }) {
    if (session.login.current === undefined)
      return encodeError(id, stratumError("ErrorInvalidParams", "log in first (mining.authorize)"));
    // Differs from prosper-pool: there every job has the same dummy hash, and a miner that asks mines it for nothing.
    const height = parseJobId(jobId);
    if (height === undefined)
      return encodeError(id, stratumError("ErrorInvalidParams", "job id: expected a block height"));
    const oprHash = session.modules.backend.oprHashOf(height);
    return oprHash === undefined
      ? encodeError(id, stratumError("ErrorInvalidParams", "no job of this height was announced lately"))
      : encodeResult(id, oprHash);
  },
};
