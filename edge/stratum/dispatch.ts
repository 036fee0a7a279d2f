/** Takes a line to its verb: parses it, refuses it if it is no request, and keeps answers in the order of the requests. */

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
import type { StratumSession } from "./session.ts";
import { authorize } from "./verbs/authorize.ts";
import { getOprHash } from "./verbs/get-oprhash.ts";
import { ping } from "./verbs/ping.ts";
import { submit } from "./verbs/submit.ts";
import { subscribe } from "./verbs/subscribe.ts";
import { suggestTarget } from "./verbs/suggest-target.ts";
import { table } from "./verbs/table.ts";
import type { Call, Verb, VerbAnswer } from "./verbs/verb.ts";

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ["mining.subscribe", subscribe],
  ["mining.authorize", authorize],
  ["mining.submit", submit],
  ["mining.get_oprhash", getOprHash],
  ["mining.suggest_target", suggestTarget],
  ["mining.ping", ping],
  ["mining.table", table],
]);

/** Handles one line. While the returned promise is pending the connection gives no further line; it never rejects. */
export function dispatch(session: StratumSession, line: string, readAtMs: number): Promise<void> | undefined {
  const { clock, metrics } = session.modules;
  const { limits, replies } = session.conversation;
  metrics.lineRead();
  const pauseMs = limits.line(clock.monotonicMs());
  const message = parseStratumLine(line);
  if (message.kind !== "blank") session.heard(readAtMs);
  const busy = handle(session, message, readAtMs);
  if (pauseMs === 0 && busy === undefined && replies.size < limits.window) return undefined;
  const waits = [busy, replies.below(limits.window), pauseMs > 0 ? sleep(clock, pauseMs) : undefined];
  return Promise.all(waits).then(() => undefined);
}

function handle(
  session: StratumSession,
  message: StratumMessage,
  readAtMs: number,
): Promise<void> | undefined {
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
      // Differs from prosper-pool: there the shape of the params is checked first, and that error hides that the method is unknown.
      if (verb === undefined) return refuse(session, id, "ErrorMethodNotFound");
      if (params.kind === "bad") return refuse(session, id, "ErrorInvalidParams");
      if (params.values.length < verb.minParams) return refuse(session, id, "ErrorInvalidParams");
      return runVerb(session, verb, { id, params: params.values, readAtMs });
    }
  }
}

function refuse(session: StratumSession, id: StratumId, name: StratumErrorName): undefined {
  session.modules.metrics.lineRefused(name);
  session.conversation.replies.push(encodeError(id, stratumError(name)));
  return undefined;
}

/** Differs from prosper-pool: there such lines get no answer, and may come for ever. */
function refuseMalformed(
  session: StratumSession,
  id: StratumId | null,
  name: StratumErrorName,
  reason: string,
): undefined {
  const { conversation, modules } = session;
  modules.metrics.lineRefused(name);
  conversation.replies.push(encodeError(id, stratumError(name, reason)));
  if (conversation.limits.malformed()) conversation.endAfterAnswers("malformed-lines");
  return undefined;
}

function runVerb(session: StratumSession, verb: Verb, call: Call): Promise<void> | undefined {
  const { replies } = session.conversation;
  if (!verb.barrier || replies.size === 0) return start(session, verb, call);
  return replies.below(1).then(() => (session.ended ? undefined : start(session, verb, call)));
}

/** Runs the verb. Returns a promise only if later lines must wait for it. */
function start(session: StratumSession, verb: Verb, call: Call): Promise<void> | undefined {
  const answer = verb.run(session, call);
  if (typeof answer === "string") {
    if (answer === "closed") return undefined;
    if (verb.isAnsweredAtOnce === true) session.conversation.replies.pass(answer);
    else session.conversation.replies.push(answer);
    return undefined;
  }
  const reply = session.conversation.replies.reserve();
  // Not an async function: a share has one of these.
  const done = answer.then(
    (text: VerbAnswer) => reply(text === "closed" ? "" : text),
    (thrown: unknown) => {
      session.modules.logger.error("A request failed", { error: coerceError(thrown).message });
      reply("");
      session.end("no-verdict");
    },
  );
  return verb.barrier ? done : undefined;
}
