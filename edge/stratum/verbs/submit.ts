/** mining.submit: notes when the line was read and hands the share to the pipeline (STRATUM.md, M1 to M4). */

import { coerceError } from "../../../shared/errors.ts";
import type { RefusalCode } from "../../../shared/messages/refusals.ts";
import {
  encodeError,
  encodeRefusal,
  encodeRequest,
  encodeResult,
  type StratumErrorName,
  stratumError,
} from "../../../shared/messages/stratum.ts";
import type { ShareVerdict } from "../backend.ts";
import { wrongTableWords } from "../goodbye-messages.ts";
import type { StratumSession } from "../session.ts";
import { isForged } from "../session-limits.ts";
import type { Login } from "../session-login.ts";
import type { Call, Verb, VerbAnswer } from "./verb.ts";

const ERROR_OF: Readonly<Record<RefusalCode, StratumErrorName>> = {
  stale: "ErrorStaleShare",
  duplicate: "ErrorDuplicateShare",
  "low-difficulty": "ErrorLowDifficulty",
  malformed: "ErrorShareRefused",
  "wrong-prefix": "ErrorWrongPrefix",
  "other-edge": "ErrorWrongPrefix",
  "wrong-hash": "ErrorWrongHash",
  busy: "ErrorBusy",
};

export const submit: Verb = {
  minParams: 5,
  barrier: false,
  run(session, call) {
    const { current: login } = session.login;
    // Differs from prosper-pool: a session that is not logged in has no name that could be the expected one. There a session with a refused name may
    // go on.
    if (login === undefined || call.params[0] !== login.user) {
      session.sighting?.failed(
        "login-refused",
        "a share came before a login, or with another name than it: log in first, and send the same name",
      );
      return encodeError(call.id, stratumError("ErrorInvalidParams", "username not as expected"));
    }
    // Differs from prosper-pool: there a share before subscribe is taken at any difficulty.
    if (!session.jobs.areHeard) {
      const words = "send mining.subscribe before the first share";
      session.modules.metrics.shareRefused("not-subscribed");
      session.sighting?.failed("not-subscribed", words);
      return encodeRefusal(call.id, stratumError("ErrorNotSubscribed", words));
    }
    const { clock, metrics, settings, users } = session.modules;
    if (!users.share(session.login.sharesKey, clock.monotonicMs())) {
      metrics.shareRefused("too-fast");
      return encodeRefusal(
        call.id,
        stratumError(
          "ErrorBusy",
          `more than ${settings.userSharesPerSecond} shares a second of this user from this address`,
        ),
      );
    }
    return judge(session, call, login);
  },
};

function judge(session: StratumSession, call: Call, login: Login): Promise<VerbAnswer> {
  const { backend, logger } = session.modules;
  const [, jobId = "", nonce = "", oprHash = "", target = ""] = call.params;
  const { user, worker } = login;
  const { id: sessionId, remoteAddress } = session;
  const { readAtMs } = call;
  return backend
    .submit({ user, worker, sessionId, remoteAddress, jobId, nonce, oprHash, target, readAtMs })
    .then(
      (verdict) => answer(session, call, login, verdict),
      (thrown: unknown) => {
        logger.error("A share could not be judged", { error: coerceError(thrown).message });
        return answer(session, call, login, { kind: "unavailable" });
      },
    );
}

function answer(session: StratumSession, call: Call, login: Login, verdict: ShareVerdict): VerbAnswer {
  const { clock, metrics } = session.modules;
  if (session.ended) return "closed";
  if (verdict.kind === "unavailable") {
    session.end("no-verdict");
    return "closed";
  }
  metrics.shareAnswered(clock.monotonicMs() - call.readAtMs);
  if (verdict.kind === "accepted") {
    metrics.shareAccepted(verdict.target);
    session.conversation.limits.share("accepted");
    session.share(verdict.target, true);
    return encodeResult(call.id, true);
  }
  metrics.shareRefused(verdict.code);
  // A miner whose shares the pool cannot take in time must still be slowed down. Otherwise refusals lead to more shares, and more shares to refusals.
  if (verdict.hit !== undefined) session.share(verdict.hit, false);
  const tableHint = verdict.code === "wrong-hash" ? wrongTable(session) : undefined;
  session.sighting?.failed(
    tableHint === undefined ? verdict.code : "wrong-table",
    tableHint?.words ?? verdict.reason,
  );
  countRefusal(session, login, verdict.code);
  const answer = encodeRefusal(
    call.id,
    stratumError(ERROR_OF[verdict.code], tableHint?.words ?? verdict.reason),
  );
  // The Go miner shows no reasons of shares, but messages.
  return tableHint?.isNew === true
    ? answer + encodeRequest(session.conversation.nextId(), "client.show_message", [tableHint.words])
    : answer;
}

/** Whose shares were never right most likely hashes with another table. The reason says so each time, a message once. */
function wrongTable(
  session: StratumSession,
): { readonly words: string; readonly isNew: boolean } | undefined {
  const { tableBits } = session.modules.settings;
  if (tableBits === undefined || session.wasRight) return undefined;
  const isNew = !session.toldOfTable;
  session.toldOfTable = true;
  return { words: wrongTableWords(tableBits), isNew };
}

/** A session whose shares are mostly forged is closed once they are answered, and its worker sent away for a while. */
function countRefusal(session: StratumSession, login: Login, code: RefusalCode): void {
  const { clock, users } = session.modules;
  const nowMs = clock.monotonicMs();
  if (isForged(code)) users.forged(session.login.sharesKey, nowMs);
  if (!session.conversation.limits.share(code)) return;
  users.pause(login, session.remoteAddress, nowMs);
  session.conversation.endAfterAnswers(
    session.toldOfTable && !session.wasRight ? "wrong-table" : "invalid-shares",
  );
}
