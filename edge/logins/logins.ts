/**
 * Logins of miners. Empty passwords are checked with the user rows, all others by the auth function; its verdicts are remembered, so that its outage
 * stops nobody (docs/design.md, "Accounts").
 */

import { createHmac } from "node:crypto";
import { type Clock, type Random, sleep } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import { confirmWorkers, type WorkerLimits } from "../../shared/db/workers.ts";
import { coerceError } from "../../shared/errors.ts";
import { addressKey, addressRanges } from "../../shared/ip-address.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Auth, LoginReply } from "../../shared/messages/login.ts";
import type { AuthorizeRequest, AuthorizeVerdict } from "../stratum/backend.ts";
import { createLruMap } from "./lru-map.ts";
import { createNames, type Names } from "./names.ts";

export interface AccountsOptions {
  /** A remembered login younger than this is answered without asking auth again. */
  freshMs?: number;
  /** A remembered login younger than this stands in while auth is away. */
  staleMs?: number;
  /** How many logins and names are remembered. If there are more, the one that was not used for longest is forgotten. */
  cacheSize?: number;
  /** The most questions to auth under way; above it, a miner is told to come back. */
  pendingLimit?: number;
  /** After this long without an answer, auth counts as away. */
  timeoutMs?: number;
  /** False lets every known or unknown name mine, whatever its password: only a name that has an account can be paid. */
  requireAuth?: boolean;
  /** Addresses and CIDR ranges that many people share (farms): they may try more names, and are not counted as addresses. */
  exemptAddresses?: readonly string[];
  /** The usual limits if it is missing. */
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
  /** True while no password for this name is checked from that address. */
  isLocked(user: string, remoteAddress: string): boolean;
  /**
   * Begins a try; the returned function ends it. Undefined means that the try is not allowed. `unknown`: there was no verdict. `isOwn`: the address
   * is one of the user's own, so that tries for other names from there do not count.
   */
  begin(
    user: string,
    remoteAddress: string,
    isOwn: boolean,
  ): ((outcome: "passed" | "failed" | "unknown") => void) | undefined;
}

/** The `authorize` of a StratumBackend. */
export interface Accounts {
  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict>;
}

const UNAVAILABLE: AuthorizeVerdict = { kind: "unavailable" };
const OK = { kind: "ok", registered: false } as const;
const UNKNOWN_USER: AuthorizeVerdict = {
  kind: "refused",
  reason: "no such user: register with a password, an invite code and a payout address",
};
const NO_PASSWORD: AuthorizeVerdict = { kind: "refused", reason: "registering needs a password" };

/** Why an address that came with a login was not taken. Everybody who sent one is told this, whether or not it is the one on record. */
export const ADDRESS_KEPT =
  "the payout address was not changed: a login never does that. Its owner changes it on the pool's web pages, at /whoami";

export function createAccounts(options: AccountsOptions, modules: AccountsModules): Accounts {
  const cacheSize = options.cacheSize ?? 20_000;
  const exemptAddresses = options.exemptAddresses ?? [];
  const requireAuth = options.requireAuth ?? true;
  const { db, logger } = modules;
  const names = createNames({ cacheSize, exemptAddresses, open: !requireAuth }, modules);
  const withPassword = createPasswordLogins(
    { ...options, cacheSize, exemptAddresses },
    { ...modules, names },
  );

  /** A login for mining only. */
  async function withoutPassword(request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    switch (await names.mayMine(request.user, request.remoteAddress)) {
      case "new":
        return { kind: "ok", registered: true };
      case "yes":
        // We do not tell whether it is the one on record: people without the password must not be able to try addresses.
        return request.payoutAddress === "" ? OK : { ...OK, notice: ADDRESS_KEPT };
      case "no":
        return request.invite === "" ? UNKNOWN_USER : NO_PASSWORD;
      case "unavailable":
        return UNAVAILABLE;
    }
  }

  /** Rigs that logged in with the password not long ago: each is confirmed once. */
  const confirmed = createLruMap<true>(cacheSize);

  /** A login with the password shows that the rig is the user's own. This is for statistics only: no login waits for it or fails because of it. */
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
      if (request.password === "" || !requireAuth) return withoutPassword(request);
      const verdict = await withPassword(request);
      if (verdict.kind === "ok") {
        names.passed(request.user, request.remoteAddress);
        void confirm(request);
      }
      return verdict;
    },
  };
}

type Answer = LoginReply | { readonly kind: "away" };
const OUTCOMES = { ok: "passed", refused: "failed", throttled: "unknown", away: "unknown" } as const;

/** A login that auth said yes to. */
interface Passed {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly verdict: AuthorizeVerdict;
}

function createPasswordLogins(
  options: AccountsOptions & { cacheSize: number; exemptAddresses: readonly string[] },
  modules: AccountsModules & { readonly names: Names },
): (request: AuthorizeRequest) => Promise<AuthorizeVerdict> {
  const { clock, names, throttle } = modules;
  const freshMs = options.freshMs ?? 5 * 60_000;
  const staleMs = options.staleMs ?? 24 * 3_600_000;
  const pendingLimit = options.pendingLimit ?? 256;
  const exempt = addressRanges("exemptAddresses", options.exemptAddresses);
  /**
   * The key is a keyed hash: the password itself is never kept. The address is part of the key; otherwise strangers could try out guesses on
   * remembered logins.
   */
  const passed = createLruMap<Passed>(options.cacheSize);
  /** A farm's rigs log in at the same time with one password: they share one question. */
  const pending = new Map<string, Promise<Answer>>();
  const secret = modules.random(32);

  const keyOf = ({ user, password, invite, payoutAddress, remoteAddress }: AuthorizeRequest): string =>
    createHmac("sha256", secret)
      .update(JSON.stringify([user, password, invite, payoutAddress, addressKey(remoteAddress)]))
      .digest("base64");

  function ask(request: AuthorizeRequest, key: string): Promise<Answer> {
    if (pending.size >= pendingLimit) return Promise.resolve({ kind: "away" });
    const answer = tryOnce(request).finally(() => pending.delete(key));
    pending.set(key, answer);
    return answer;
  }

  async function tryOnce(request: AuthorizeRequest): Promise<Answer> {
    const end = begin(request) ?? (await beginAtOwnPlace(request));
    if (end === undefined) return { kind: "away" };
    const isExempt = exempt.has(request.remoteAddress);
    const answer = await askAuth(options.timeoutMs ?? 10_000, modules, request, isExempt);
    end(OUTCOMES[answer.kind]);
    return answer;
  }

  function begin(
    { user, remoteAddress }: AuthorizeRequest,
    isOwn = false,
  ): ReturnType<LoginThrottle["begin"]> {
    return throttle === undefined ? () => undefined : throttle.begin(user, remoteAddress, isOwn);
  }

  async function beginAtOwnPlace(request: AuthorizeRequest): Promise<ReturnType<LoginThrottle["begin"]>> {
    return (await names.owns(request.user, request.remoteAddress)) ? begin(request, true) : undefined;
  }

  return async (request) => {
    const key = keyOf(request);
    // This comes before every step that could show that a password is right.
    if (throttle?.isLocked(request.user, request.remoteAddress) === true) return UNAVAILABLE;
    const before = passed.get(key);
    const ageMs = clock.monotonicMs() - (before?.atMs ?? Number.NEGATIVE_INFINITY);
    if (before !== undefined && ageMs < freshMs) return before.verdict;
    const answer = await (pending.get(key) ?? ask(request, key));
    switch (answer.kind) {
      case "away":
      case "throttled":
        return before !== undefined && ageMs < staleMs ? before.verdict : UNAVAILABLE;
      case "refused":
        passed.delete(key);
        return answer;
      case "ok": {
        const { registered, otherAddress = false } = answer;
        const notice = otherAddress ? { notice: ADDRESS_KEPT } : {};
        passed.set(key, { atMs: clock.monotonicMs(), verdict: { ...OK, ...notice } });
        return { kind: "ok", registered, ...notice };
      }
    }
  };
}

/** Auth's verdict, or "away" when it fails or takes too long. Never rejects. */
async function askAuth(
  timeoutMs: number,
  modules: AccountsModules,
  request: AuthorizeRequest,
  exempt: boolean,
): Promise<Answer> {
  const { user, password, invite, payoutAddress: address, remoteAddress: from } = request;
  const verdict = modules.auth
    .authorize({ v: 1, kind: "authorize", user, password, invite, address, from, exempt })
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
