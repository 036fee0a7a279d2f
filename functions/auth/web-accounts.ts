/** Accounts as the web sees them: register, log in and out, and what a user may change. */

import { createHash } from "node:crypto";
import { LOGIN_BACKOFF, type LoginBackoff } from "../../shared/accounts/backoff.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { findUser, setPassword, setPayoutAddress, type User } from "../../shared/db/accounts.ts";
import { removeSecondFactor } from "../../shared/db/second-factors.ts";
import {
  deleteOtherSessions,
  deleteSession,
  findSession,
  insertSession,
  type SessionUser,
} from "../../shared/db/sessions.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import {
  BAD_ADDRESS,
  type CredentialModules,
  checkLogin,
  type RegistrationRequest,
  register,
  WRONG_LOGIN,
} from "./credentials.ts";
import { createLockout, type Lockout, type TryOutcome } from "./lockout.ts";
import { checkSecondFactor, confirmEnrolment, type Enrolment, enrolSecondFactor } from "./second-factor.ts";

export interface WebAccountOptions {
  /** True: no invite code is needed. */
  openRegistration: boolean;
  /** How failed logins are slowed down. */
  backoff?: LoginBackoff;
  /** The pool's name, as an authenticator app shows it. */
  issuer?: string;
}

export interface WebAccountModules extends CredentialModules {
  readonly clock: Clock;
  readonly random: Random;
}

/** `code-needed`: the password is right, and the user has a second factor. */
export type Refusal = {
  readonly kind: "refused" | "throttled" | "code-needed";
  readonly reason: string;
};

/** A session's token goes into a cookie and nowhere else. */
export type LoginResult = { readonly kind: "ok"; readonly token: string } | Refusal;

export type ChangeResult = { readonly kind: "ok" } | Refusal;
export type EnrolResult = { readonly kind: "ok"; readonly enrolment: Enrolment } | Refusal;
export type ConfirmResult =
  | { readonly kind: "ok"; readonly recoveryCodes: readonly string[]; readonly token: string }
  | Refusal;

/** What a visitor brings to show who it is. `code` is of the second factor, or a recovery code; "" without one. */
export interface Proof {
  readonly password: string;
  readonly code: string;
  readonly remoteAddress: string;
}

/** Every method rejects with CodedError `db-away` or `auth-away` where no answer can be had. */
export interface WebAccounts {
  login(name: string, proof: Proof): Promise<LoginResult>;
  /** Registers and logs in. */
  register(request: RegistrationRequest, remoteAddress: string): Promise<LoginResult>;
  logout(token: string): Promise<void>;
  /** The user of a live session. */
  whoIs(token: string): Promise<SessionUser | undefined>;
  /** Who it is is asked again; every session of the user ends, and a new one begins: whoever has a copy of the old token is out too. */
  changePassword(user: SessionUser, next: string, proof: Proof): Promise<LoginResult>;
  /** Where money goes is changed only by who proves to be the user. */
  changeAddress(user: SessionUser, address: string, proof: Proof): Promise<ChangeResult>;
  /** Makes a secret for an authenticator; it asks for nothing before it is confirmed. */
  enrolSecondFactor(user: SessionUser, proof: Proof): Promise<EnrolResult>;
  /** Puts the secret in force by its first code; sessions end and begin as with a new password. */
  confirmSecondFactor(user: SessionUser, proof: Omit<Proof, "password">): Promise<ConfirmResult>;
  removeSecondFactor(user: SessionUser, proof: Proof): Promise<ChangeResult>;
}

/** A working day with a margin. */
export const SESSION_SECONDS = 12 * 3600;
/** NIST SP 800-63B. Over stratum any length goes: a Go miner that is refused exits for good. */
export const MIN_WEB_PASSWORD = 8;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const TOO_SHORT = `a password has at least ${MIN_WEB_PASSWORD} characters`;
const WRONG_CURRENT = "the current password, or the code, is wrong";
const CODE_NEEDED = "enter the code that your authenticator shows, or one of your recovery codes";
const WRONG_CODE = "that is not the code that your authenticator shows now: is its clock right?";
const IN_FORCE = "a second factor is in force already: remove it first";

export function createWebAccounts(options: WebAccountOptions, modules: WebAccountModules): WebAccounts {
  const { db, clock } = modules;
  const parts: Parts = { ...modules, lockout: createLockout(options.backoff ?? LOGIN_BACKOFF, modules) };
  return {
    async login(name, proof) {
      const proven = await prove(parts, name, proof);
      return proven.kind === "ok"
        ? { kind: "ok", token: await openSession(modules, proven.user.id) }
        : proven;
    },
    async register(request, remoteAddress) {
      if (request.password.length < MIN_WEB_PASSWORD) return refused(TOO_SHORT);
      return counted<LoginResult>(parts, undefined, remoteAddress, async () => {
        const result = await register(modules, request, options.openRegistration);
        const user = result.kind === "refused" ? undefined : await findUser(db, request.name);
        if (result.kind === "refused" || user === undefined)
          return {
            outcome: "failed",
            result: refused(result.kind === "refused" ? result.reason : WRONG_LOGIN),
          };
        const token = await openSession(modules, user.id);
        return { outcome: "passed", result: { kind: "ok", token } };
      });
    },
    async logout(token) {
      if (TOKEN.test(token)) await deleteSession(db, hashToken(token));
    },
    async whoIs(token) {
      return TOKEN.test(token) ? findSession(db, hashToken(token), clock.wallMs()) : undefined;
    },
    ...settings(parts),
    ...secondFactor(options.issuer ?? "Prosper Pool", parts),
  };
}

type Settings = Pick<WebAccounts, "changePassword" | "changeAddress">;

function settings(parts: Parts): Settings {
  const { db } = parts;
  return {
    async changePassword(user, next, proof) {
      if (next.length < MIN_WEB_PASSWORD) return refused(TOO_SHORT);
      const proven = await prove(parts, user.name, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      await setPassword(db, user.id, await parts.passwords.hash(next));
      return { kind: "ok", token: await renewSession(parts, user.id) };
    },
    async changeAddress(user, address, proof) {
      if (!isValidFaAddress(address)) return refused(BAD_ADDRESS);
      const proven = await prove(parts, user.name, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      await setPayoutAddress(db, user.id, address);
      return { kind: "ok" };
    },
  };
}

type Factor = Pick<WebAccounts, "enrolSecondFactor" | "confirmSecondFactor" | "removeSecondFactor">;

function secondFactor(issuer: string, parts: Parts): Factor {
  const { db } = parts;
  return {
    async enrolSecondFactor(user, proof) {
      const proven = await prove(parts, user.name, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      const enrolment = await enrolSecondFactor(parts, user, issuer);
      return enrolment === undefined ? refused(IN_FORCE) : { kind: "ok", enrolment };
    },
    confirmSecondFactor(user, { code, remoteAddress }) {
      return counted<ConfirmResult>(parts, user.name, remoteAddress, async () => {
        const recoveryCodes = await confirmEnrolment(parts, user.id, code);
        if (recoveryCodes === undefined) return { outcome: "failed", result: refused(WRONG_CODE) };
        const token = await renewSession(parts, user.id);
        return { outcome: "passed", result: { kind: "ok", recoveryCodes, token } };
      });
    },
    async removeSecondFactor(user, proof) {
      const proven = await prove(parts, user.name, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      await removeSecondFactor(db, user.id);
      return { kind: "ok" };
    },
  };
}

interface Parts extends WebAccountModules {
  readonly lockout: Lockout;
}

type Proven = { readonly kind: "ok"; readonly user: User } | Refusal;

/** Every way to try a password or a code goes through here: counted, and both must be right. */
function prove(parts: Parts, name: string, { password, code, remoteAddress }: Proof): Promise<Proven> {
  return counted<Proven>(parts, name, remoteAddress, async () => {
    const user = await checkLogin(parts, name, password);
    if (user === undefined) return { outcome: "failed", result: refused(WRONG_LOGIN) };
    switch (await checkSecondFactor(parts, user.id, code)) {
      case "passed":
        return { outcome: "passed", result: { kind: "ok", user } };
      case "needed":
        // Not yet a right login, nor a wrong one: earlier failures stand.
        return { outcome: "unknown", result: { kind: "code-needed", reason: CODE_NEEDED } };
      case "wrong":
        return { outcome: "failed", result: { kind: "code-needed", reason: WRONG_CODE } };
    }
  });
}

/** Runs a try unless the name or the address has failed too often. */
async function counted<Result>(
  { lockout }: Parts,
  name: string | undefined,
  remoteAddress: string,
  attempt: () => Promise<{ readonly outcome: TryOutcome; readonly result: Result }>,
): Promise<Result | Refusal> {
  const waitMs = await lockout.begin(name, remoteAddress);
  if (waitMs > 0) {
    const reason = `too many failed logins: wait ${Math.ceil(waitMs / 1000)} s, then try again`;
    return { kind: "throttled", reason };
  }
  let outcome: TryOutcome = "unknown";
  try {
    const tried = await attempt();
    outcome = tried.outcome;
    return tried.result;
  } finally {
    await lockout.end(name, remoteAddress, outcome);
  }
}

function refused(reason: string): Refusal {
  return { kind: "refused", reason };
}

function notConfirmed(refusal: Refusal): Refusal {
  return refusal.kind === "refused" ? refused(WRONG_CURRENT) : refusal;
}

/** The token of a new session, which is then the user's only one. */
async function renewSession(modules: WebAccountModules, userId: bigint): Promise<string> {
  const token = await openSession(modules, userId);
  await deleteOtherSessions(modules.db, userId, hashToken(token));
  return token;
}

async function openSession(modules: WebAccountModules, userId: bigint): Promise<string> {
  const token = Buffer.from(modules.random(32)).toString("base64url");
  const nowMs = modules.clock.wallMs();
  await insertSession(modules.db, {
    tokenHash: hashToken(token),
    userId,
    nowMs,
    expiresAtMs: nowMs + SESSION_SECONDS * 1000,
  });
  return token;
}

function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
