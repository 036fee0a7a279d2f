/** mining.authorize: one user a connection, `false` only as a verdict (docs/design.md, "Accounts"; STRATUM.md, A1 to A4). */

import { coerceError } from "../../../shared/errors.ts";
import {
  encodeError,
  encodeRefusal,
  encodeRequest,
  encodeResult,
  type StratumId,
  stratumError,
  USER_NAME,
  WORKER_NAME,
} from "../../../shared/messages/stratum.ts";
import { barWords } from "../../../shared/operator/orders.ts";
import type { AuthorizeVerdict } from "../backend.ts";
import type { StratumSession } from "../session.ts";
import type { Login } from "../session-login.ts";
import type { Call, Verb, VerbAnswer } from "./verb.ts";

export const authorize: Verb = {
  minParams: 1,
  barrier: true,
  run(session, call) {
    const [user, worker, ...more] = (call.params[0] ?? "").split(",");
    if (user === undefined || worker === undefined || more.length > 0) {
      session.sighting?.failed(
        "login-refused",
        "the login has to be NAME,RIG: your name, a comma, the machine's",
      );
      return encodeError(
        call.id,
        stratumError("ErrorInvalidParams", "authorize requires 'username,minerid'"),
      );
    }
    if (!USER_NAME.test(user))
      return refuse(
        session,
        call.id,
        "user name: expected 1 to 254 visible ASCII characters without a comma",
      );
    if (!WORKER_NAME.test(worker))
      return refuse(session, call.id, "worker name: expected at most 64 visible ASCII characters");
    // Differs from prosper-pool: there a connection can change its user, and the new user then has the prefixes of the former one.
    if (!session.login.isOpenTo(user))
      return refuse(session, call.id, "another user needs another connection");
    const { clock, metrics, users } = session.modules;
    if (users.pausedMs({ user, worker }, session.remoteAddress, clock.monotonicMs()) > 0) {
      metrics.loginAnswered("unavailable");
      session.end("worker-paused");
      return "closed";
    }
    return askBackend(session, call, { user, worker });
  },
};

async function askBackend(session: StratumSession, call: Call, login: Login): Promise<VerbAnswer> {
  const { backend, clock, logger, orders } = session.modules;
  const [, password = "", invite = "", payoutAddress = ""] = call.params;
  session.login.asked(clock.monotonicMs());
  let verdict: AuthorizeVerdict;
  try {
    verdict = await backend.authorize({
      ...login,
      password,
      invite,
      payoutAddress,
      remoteAddress: session.remoteAddress,
      agent: session.agent,
    });
  } catch (thrown) {
    logger.error("A login could not be judged", { error: coerceError(thrown).message });
    verdict = { kind: "unavailable" };
  }
  session.login.answered();
  if (session.ended) return "closed";
  // After the verdict: who cannot log in learns nothing about others.
  const bar = verdict.kind === "ok" ? orders.barOf(login.user, session.remoteAddress) : undefined;
  if (bar !== undefined) return refuse(session, call.id, barWords(bar, password !== ""));
  switch (verdict.kind) {
    case "ok":
      return logIn(session, call.id, login, { ...verdict, trusted: password !== "" });
    case "refused":
      return refuse(session, call.id, verdict.reason);
    case "unavailable":
      return giveUp(session);
  }
}

/** `trusted`: with the user's password. `notice`: a second message. */
async function logIn(
  session: StratumSession,
  id: StratumId,
  login: Login,
  { registered, trusted, notice }: { registered: boolean; trusted: boolean; notice?: string },
): Promise<VerbAnswer> {
  const { metrics, orders, settings } = session.modules;
  const targetLines = await session.pairs.logIn(login, trusted);
  if (session.ended) return "closed";
  if (targetLines === undefined) return giveUp(session);
  metrics.loginAnswered(registered ? "registered" : "ok");
  session.login.accepted(login);
  session.sighting?.loggedIn(login.user, login.worker);
  return (
    encodeResult(id, true) +
    [settings.welcomeMessage, ...(notice === undefined ? [] : [notice]), ...orders.words()]
      .map((text) => encodeRequest(session.conversation.nextId(), "client.show_message", [text]))
      .join("") +
    targetLines
  );
}

function giveUp(session: StratumSession): VerbAnswer {
  session.modules.metrics.loginAnswered("unavailable");
  session.end("no-verdict");
  return "closed";
}

function refuse(session: StratumSession, id: StratumId, reason: string): VerbAnswer {
  session.modules.metrics.loginAnswered("refused");
  session.login.refused();
  session.sighting?.failed("login-refused", reason);
  return encodeRefusal(id, stratumError("ErrorLoginRefused", reason));
}
