/** mining.subscribe: session id and nonce prefix, then the target and the current job (STRATUM.md, S1). */

import { encodeRequest, encodeResult } from "../../../shared/messages/stratum.ts";
import { tableBitsEntry } from "../../../shared/messages/table-bits.ts";
import type { StratumSession } from "../session.ts";
import type { Verb } from "./verb.ts";

const MAX_AGENT_LENGTH = 128;

export const subscribe: Verb = {
  minParams: 1,
  barrier: true,
  async run(session, { id, params: [agent = ""] }) {
    const prefix = await session.subscribe(agent.slice(0, MAX_AGENT_LENGTH).toWellFormed());
    if (session.ended) return "closed";
    if (prefix === undefined) {
      session.end("no-prefix");
      return "closed";
    }
    const { tableBits } = session.modules.settings;
    const result = encodeResult(id, [
      { type: "mining.notify", id: session.id },
      { type: "mining.set_target", id: session.id },
      { type: "mining.set_nonce", id: String(prefix) },
      ...(tableBits === undefined ? [] : [tableBitsEntry(tableBits)]),
    ]);
    const job = session.modules.backend.currentJob();
    return (
      pauseLine(session) +
      result +
      session.pairs.targetLine() +
      (job === undefined ? "" : session.jobs.lines(job))
    );
  },
};

/**
 * A Go miner that comes back goes on hashing. It takes the prefix of this answer together with its former target, and the shares that it finds before
 * it reads the new target would be refused. If it is told to stop first, it takes up both before it hashes again, at the notify.
 */
function pauseLine(session: StratumSession): string {
  const isGoMiner = session.agent.startsWith("prosper/");
  return isGoMiner && !session.jobs.wasTold
    ? encodeRequest(session.conversation.nextId(), "mining.stop_mining", null)
    : "";
}
