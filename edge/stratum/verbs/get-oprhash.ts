/** mining.get_oprhash: the oprHash of a job, from its row (STRATUM.md, G1). */

import { coerceError } from "../../../shared/errors.ts";
import { encodeError, encodeResult, parseJobId, stratumError } from "../../../shared/messages/stratum.ts";
import type { Verb } from "./verb.ts";

export const getOprHash: Verb = {
  minParams: 1,
  barrier: false,
  async run(session, { id, params: [jobId = ""] }) {
    const { backend, logger } = session.modules;
    // Differs from prosper-pool: there every job has the same dummy hash, and a miner that asks mines it for nothing.
    const height = parseJobId(jobId);
    if (height === undefined)
      return encodeError(id, stratumError("ErrorInvalidParams", "job id: expected a block height"));
    try {
      const oprHash = await backend.oprHashOf(height);
      return oprHash === undefined
        ? encodeError(id, stratumError("ErrorInvalidParams", "no job of this height"))
        : encodeResult(id, oprHash);
    } catch (thrown) {
      logger.warn("The oprHash of a job could not be read", { height, error: coerceError(thrown).message });
      return encodeError(id, stratumError("ErrorInternalError", "the jobs cannot be read now, ask again"));
    }
  },
};
