/** Logins of miners: empty passwords from the user rows, all others by the auth function, remembered so that its outage stops nobody (DESIGN.md, Accounts). */

import { createHmac } from "node:crypto";
import { type Clock, type Random, sleep } from "../shared/clock.ts";
import { userExists } from "../shared/db/accounts.ts";
import type { Db } from "../shared/db/port.ts";
import { confirmWorkers, type WorkerLimits } from "../shared/db/workers.ts";
import { coerceError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import type { Auth, AuthorizeVerdict as AuthVerdict } from "../shared/messages/accounts.ts";
import { dropOldest } from "./drop-oldest.ts";
import type { AuthorizeRequest, AuthorizeVerdict } from "./stratum/backend.ts";

export interface AccountsOptions {
  /** A remembered login younger than this is answered without asking auth again. */
  freshMs?: number;
  /** A remembered login younger than this stands in while auth is away. */
  staleMs?: number;
  /** Logins and names remembered; beyond, the one not used for longest is forgotten. */
  cacheSize?: number;
  /** Questions under way at auth; beyond, a miner is told to come back. */
  pendingLimit?: number;
  /** A question without an answer for this long counts as auth being away. */
  timeoutMs?: number;
  /** Without it the usual ones. */
  workerLimits?: WorkerLimits;
}

export interface AccountsModules {
  readonly db: Db;
  readonly auth: Auth;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Asked before a password leaves the edge; without one every try is allowed. */
  readonly throttle?: LoginThrottle;
}

/** Limits failed logins. A throttled one gets no verdict: its connection is closed and the miner comes back. */
export interface LoginThrottle {
  /** True begins a try, which `report` ends. */
  mayTry(user: string, remoteAddress: string): boolean;
  /** `unknown`: there was no verdict. */
  report(user: string, remoteAddress: string, outcome: "passed" | "failed" | "unknown"): void;
}

/** The `authorize` of a StratumBackend. */
export interface Accounts {
  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict>;
}

const UNAVAILABLE: AuthorizeVerdict = { kind: "unavailable" };
const OK: AuthorizeVerdict = { kind: "ok", registered: false };
const UNKNOWN_USER: AuthorizeVerdict = {
  kind: "refused",
  reason: "no such user: register with a password, an invite code and a payout address",
};
const NO_PASSWORD: AuthorizeVerdict = { kind: "refused", reason: "registering needs a password" };

export function createAccounts(options: AccountsOptions, modules: AccountsModules): Accounts {
  const { db, logger } = modules;
  const cacheSize = options.cacheSize ?? 20_000;
  const names = createRecent<true>(cacheSize);
  const withPassword = createPasswordLogins({ ...options, cacheSize }, modules);

  /** Mining only. A name once seen is known for good: users are never deleted. */
  async function withoutPassword(request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    if (names.get(request.user) === true) return OK;
    try {
      if (await userExists(db, request.user)) {
        names.set(request.user, true);
        return OK;
      }
      return request.invite === "" ? UNKNOWN_USER : NO_PASSWORD;
    } catch (error) {
      logger.warn("no verdict on a login without password", { error: coerceError(error).message });
      return UNAVAILABLE;
    }
  }

  /** Rigs that logged in with the password not long ago: each is confirmed once. */
  const confirmed = createRecent<true>(cacheSize);

  /** Whoever has the password says by it that the rig is the user's own. Statistics only: a login does not wait for it, nor fail by it. */
  async function confirm({ user, worker }: AuthorizeRequest): Promise<void> {
    const key = `${user},${worker}`;
    if (confirmed.get(key) === true) return;
    confirmed.set(key, true);
    try {
      await confirmWorkers(db, user, [worker], options.workerLimits);
    } catch (error) {
      confirmed.delete(key);
      logger.warn("a rig's name could not be confirmed; its next login tries again", {
        error: coerceError(error).message,
      });
    }
  }

  return {
    async authorize(request) {
      if (request.password === "") return withoutPassword(request);
      const verdict = await withPassword(request);
      if (verdict.kind === "ok") void confirm(request);
      return verdict;
    },
  };
}

type Answer = AuthVerdict | { readonly kind: "away" };
const OUTCOMES = { ok: "passed", refused: "failed", away: "unknown" } as const;

function createPasswordLogins(
  options: AccountsOptions & { cacheSize: number },
  modules: AccountsModules,
): (request: AuthorizeRequest) => Promise<AuthorizeVerdict> {
  const { clock, throttle } = modules;
  const freshMs = options.freshMs ?? 5 * 60_000;
  const staleMs = options.staleMs ?? 24 * 3_600_000;
  const pendingLimit = options.pendingLimit ?? 256;
  /** When auth last said yes, in monotonic milliseconds, by a keyed hash: the password itself is never kept. */
  const passed = createRecent<number>(options.cacheSize);
  /** A farm's rigs log in at once with one password: they share one question. */
  const pending = new Map<string, Promise<Answer>>();
  const secret = modules.random(32);

  const keyOf = (...parts: string[]): string =>
    createHmac("sha256", secret).update(JSON.stringify(parts)).digest("base64");

  /** `isKnown`: the password was right not long ago, so that strangers' failures cannot lock its owner out. */
  function ask(request: AuthorizeRequest, isKnown: boolean): Promise<Answer> {
    const { user, password, invite, payoutAddress, remoteAddress } = request;
    const key = keyOf(user, password, invite, payoutAddress);
    const shared = pending.get(key);
    if (shared !== undefined) return shared;
    if (pending.size >= pendingLimit) return Promise.resolve({ kind: "away" });
    const counted = isKnown ? undefined : throttle;
    if (counted?.mayTry(user, remoteAddress) === false) return Promise.resolve({ kind: "away" });
    const answer = askAuth(options.timeoutMs ?? 10_000, modules, request)
      .then((given) => {
        counted?.report(user, remoteAddress, OUTCOMES[given.kind]);
        return given;
      })
      .finally(() => pending.delete(key));
    pending.set(key, answer);
    return answer;
  }

  return async (request) => {
    const key = keyOf(request.user, request.password);
    const passedAtMs = passed.get(key) ?? Number.NEGATIVE_INFINITY;
    if (clock.monotonicMs() - passedAtMs < freshMs) return OK;
    const answer = await ask(request, clock.monotonicMs() - passedAtMs < staleMs);
    if (answer.kind === "away") return clock.monotonicMs() - passedAtMs < staleMs ? OK : UNAVAILABLE;
    if (answer.kind === "ok") passed.set(key, clock.monotonicMs());
    else passed.delete(key);
    return answer;
  };
}

/** Auth's verdict, or "away" when it fails or takes too long. Never rejects. */
async function askAuth(
  timeoutMs: number,
  modules: AccountsModules,
  request: AuthorizeRequest,
): Promise<Answer> {
  const { user, password, invite, payoutAddress: address } = request;
  const verdict = modules.auth
    .authorize({ v: 1, kind: "authorize", user, password, invite, address })
    .catch((error): Answer => {
      modules.logger.warn("auth gave no verdict", { error: coerceError(error).message });
      return { kind: "away" };
    });
  const answered = new AbortController();
  const timeout = sleep(modules.clock, timeoutMs, answered.signal).then((): Answer => ({ kind: "away" }));
  const answer = await Promise.race([verdict, timeout]);
  answered.abort();
  return answer;
}

/** A map of bounded size that forgets the key not used for longest. */
interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

function createRecent<T>(limit: number): Recent<T> {
  const entries = new Map<string, T>();
  const put = (key: string, value: T): void => {
    entries.delete(key);
    entries.set(key, value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) put(key, value);
      return value;
    },
    set(key, value) {
      put(key, value);
      dropOldest(entries, limit);
    },
    delete: (key) => void entries.delete(key),
  };
}
