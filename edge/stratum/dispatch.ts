/** From a line to its verb: parses, refuses what is no request, and keeps answers in the order of the requests. */

import { sleep } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import {
  encodeError,
  parseStratumLine,
  type StratumErrorName,
  type StratumId,
  type StratumMessage,
  stratumError,
} from "../../shared/messages/stratum.ts";
import type { Session } from "./session.ts";
import { authorize } from "./verbs/authorize.ts";
import { getOprHash } from "./verbs/get-oprhash.ts";
import { submit } from "./verbs/submit.ts";
import { subscribe } from "./verbs/subscribe.ts";
import { suggestTarget } from "./verbs/suggest-target.ts";
import type { Call, Verb, VerbAnswer } from "./verbs/verb.ts";

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ["mining.subscribe", subscribe],
  ["mining.authorize", authorize],
  ["mining.submit", submit],
  ["mining.get_oprhash", getOprHash],
  ["mining.suggest_target", suggestTarget],
]);

/** Handles one line. While the returned promise is pending the connection gives no further line; it never rejects. */
export function dispatch(session: Session, line: string, readAtMs: number): Promise<void> | undefined {
  const { clock, metrics } = session.modules;
  metrics.lineRead();
  const pauseMs = session.conduct.line(clock.monotonicMs());
  const message = parseStratumLine(line);
  if (message.kind !== "blank") session.heard(readAtMs);
  const busy = handle(session, message, readAtMs);
  if (pauseMs === 0 && busy === undefined && session.replies.size < session.conduct.window) return undefined;
  const waits = [
    busy,
    session.replies.below(session.conduct.window),
    pauseMs > 0 ? sleep(clock, pauseMs) : undefined,
  ];
  return Promise.all(waits).then(() => undefined);
}

function handle(session: Session, message: StratumMessage, readAtMs: number): Promise<void> | undefined {
  switch (message.kind) {
    case "blank":
      return undefined;
    case "unparsable":
      return refuseMalformed(session, null, "ErrorParseError", "expected one JSON object a line");
    case "invalid":
      return refuseMalformed(session, message.id, "ErrorInvalidRequest", message.reason);
    case "response":
      session.modules.logger.debug("A miner answered", { session: session.id, id: message.id });
      return undefined;
    case "request": {
      const { id, method, params } = message;
      const verb = VERBS.get(method);
      // Differs from prosper-pool: there the shape of the params comes first, and hides that nobody knows the method.
      if (verb === undefined) return refuse(session, id, "ErrorMethodNotFound");
      if (params.kind === "bad") return refuse(session, id, "ErrorInvalidParams");
      if (params.values.length < verb.minParams) return refuse(session, id, "ErrorInvalidParams");
      return runVerb(session, verb, { id, params: params.values, readAtMs });
    }
  }
}

function refuse(session: Session, id: StratumId, name: StratumErrorName): undefined {
  session.modules.metrics.lineRefused(name);
  session.replies.push(encodeError(id, stratumError(name)));
  return undefined;
}

/** Differs from prosper-pool: there such lines get silence, and may come for ever. */
function refuseMalformed(
  session: Session,
  id: StratumId | null,
  name: StratumErrorName,
  reason: string,
): undefined {
  session.modules.metrics.lineRefused(name);
  session.replies.push(encodeError(id, stratumError(name, reason)));
  if (session.conduct.malformed()) session.endAfterAnswers("malformed-lines");
  return undefined;
}

function runVerb(session: Session, verb: Verb, call: Call): Promise<void> | undefined {
  if (!verb.barrier || session.replies.size === 0) return start(session, verb, call);
  return session.replies.below(1).then(() => (session.ended ? undefined : start(session, verb, call)));
}

/** Runs the verb; a promise only where later lines must wait for it. */
function start(session: Session, verb: Verb, call: Call): Promise<void> | undefined {
  const answer = verb.run(session, call);
  if (typeof answer === "string") {
    if (answer !== "closed") session.replies.push(answer);
    return undefined;
  }
  const reply = session.replies.reserve();
  const done = finish(session, answer, reply);
  return verb.barrier ? done : undefined;
}

async function finish(
  session: Session,
  answer: Promise<VerbAnswer>,
  reply: (text: string) => void,
): Promise<void> {
  try {
    const text = await answer;
    reply(text === "closed" ? "" : text);
  } catch (thrown) {
    session.modules.logger.error("A request failed", { error: coerceError(thrown).message });
    reply("");
    session.end("no-verdict");
  }
}
