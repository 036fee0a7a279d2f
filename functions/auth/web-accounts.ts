/** Accounts as the web sees them: register, log in and out, and what a user may change. */

import { isIP } from "node:net";
import type { GuessLimit } from "../../shared/accounts/guesses.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import {
  deleteAccount,
  findUser,
  setPassword,
  setPayoutAddress,
  type User,
} from "../../shared/db/accounts.ts";
import { alertLogin } from "../../shared/db/alerts.ts";
import { deleteTokens, findToken, insertToken, MOST_TOKENS } from "../../shared/db/api-tokens.ts";
import { webBar } from "../../shared/db/bars.ts";
import { forgetPlaces } from "../../shared/db/login-places.ts";
import { removeSecondFactor } from "../../shared/db/second-factors.ts";
import {
  deleteOtherSessions,
  deleteSession,
  findSession,
  insertSession,
  listSessions,
  type SessionUser,
} from "../../shared/db/sessions.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import { withoutMapping } from "../../shared/ip-address.ts";
import { barWords } from "../../shared/operator/orders.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { type AccountRefusal, counted, refused } from "./counted-try.ts";
import {
  BAD_ADDRESS,
  type CredentialModules,
  checkLogin,
  type RegistrationRequest,
  register,
  WRONG_LOGIN,
} from "./credentials.ts";
import { createLockout, type Lockout, type Origin, placesOf, type Try } from "./lockout.ts";
import { type Recovery, recovery } from "./recovery.ts";
import { checkSecondFactor, confirmEnrolment, type Enrolment, enrolSecondFactor } from "./second-factor.ts";

export interface WebAccountOptions {
  /** True: no invite code is needed. */
  openRegistration: boolean;
  /** How failed logins are slowed down. */
  guesses?: GuessLimit;
  /** The pool's name, as an authenticator app shows it. */
  issuer?: string;
}

export interface WebAccountModules extends CredentialModules {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A new session, and the browser it is in. The session's token goes into a cookie and nowhere else. The device's token goes into another
 * cookie, which outlives the session: a browser that has it is not locked out by the failed logins of strangers.
 */
interface OpenedSession {
  readonly kind: "ok";
  readonly token: string;
  readonly device: string;
}

export type LoginResult = OpenedSession | AccountRefusal;

export type ChangeResult = { readonly kind: "ok" } | AccountRefusal;
export type TokenResult = { readonly kind: "ok"; readonly token: string } | AccountRefusal;

/** A live session as its owner sees it. */
export interface ListedSession {
  /** Of the list; it logs nobody in. */
  readonly id: string;
  readonly beganMs: number;
  readonly endsMs: number;
  /** The one that asks. */
  readonly isOwn: boolean;
}

export type EnrolResult = { readonly kind: "ok"; readonly enrolment: Enrolment } | AccountRefusal;
export type ConfirmResult = (OpenedSession & { readonly recoveryCodes: readonly string[] }) | AccountRefusal;

/** What a visitor brings to show who it is. `code` is of the second factor, or a recovery code; "" without one. */
export interface Proof {
  readonly password: string;
  readonly code: string;
}

/** A live session: whose, and its token. */
export interface WebSession {
  readonly user: SessionUser;
  readonly token: string;
}

/** Every method rejects with CodedError `db-away` or `auth-away` where no answer can be had. */
export interface WebAccounts extends Recovery {
  login(name: string, proof: Proof, from: Origin): Promise<LoginResult>;
  /** Registers and logs in. */
  register(request: RegistrationRequest, from: Origin): Promise<LoginResult>;
  logout(token: string): Promise<void>;
  /** The user of a live session. */
  whoIs(token: string): Promise<SessionUser | undefined>;
  /** Whose script sends this token; undefined: nobody's. */
  whoseToken(token: string): Promise<SessionUser | undefined>;
  /** A token that reads what the user's page shows, told this once; asks again for proof of who the user is. */
  makeToken(session: WebSession, name: string, proof: Proof): Promise<TokenResult>;
  /** At most 100, the newest first. */
  sessions(session: WebSession): Promise<ListedSession[]>;
  /** Ends one of them, if it is there. */
  endSession(session: WebSession, id: string): Promise<void>;
  /**
   * Asks again for proof of who the user is. Every session of the user ends and a new one begins, so that a copy of the old token is worth
   * nothing; tokens of scripts end too. Of the user's places only `from` stays.
   */
  changePassword(session: WebSession, next: string, proof: Proof, from: Origin): Promise<LoginResult>;
  /** Asks again for proof of who the user is: this changes where the money goes. */
  changeAddress(session: WebSession, address: string, proof: Proof): Promise<ChangeResult>;
  /** Makes a secret for an authenticator. No login asks for its code before it is confirmed. */
  enrolSecondFactor(session: WebSession, proof: Proof): Promise<EnrolResult>;
  /** Puts the secret in force if its first code is right; sessions end and begin as with a new password. */
  confirmSecondFactor(session: WebSession, code: string, from: Origin): Promise<ConfirmResult>;
  removeSecondFactor(session: WebSession, proof: Proof): Promise<ChangeResult>;
  /** Asks again for proof of who the user is. The login goes, the books stay (docs/decisions/account-deletion.md). */
  deleteAccount(session: WebSession, proof: Proof): Promise<ChangeResult>;
}

/** A working day with a margin. */
export const SESSION_SECONDS = 12 * 3600;
/** NIST SP 800-63B. Over stratum any length is accepted, since a Go miner that is refused exits for good. */
export const MIN_WEB_PASSWORD = 8;
/** The form of a token of a session or a device. */
export const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const API_TOKEN_PREFIX = "prosper_";
/** The form of a script's token: its beginning tells those who look for secrets in files what it is. */
const API_TOKEN = /^prosper_[A-Za-z0-9_-]{43}$/;
const TOO_MANY_TOKENS = `you have ${MOST_TOKENS} tokens: revoke one first`;
const LISTED_SESSIONS = 100;
const TOO_SHORT = `a password has at least ${MIN_WEB_PASSWORD} characters`;
const WRONG_CURRENT = "the current password, or the code, is wrong";
const CODE_NEEDED = "enter the code that your authenticator shows, or one of your recovery codes";
const WRONG_CODE = "that is not the code that your authenticator shows now: is its clock right?";
const IS_ADMIN = "an administrator cannot leave: let another take your rights away first";
const IN_FORCE = "a second factor is in force already: remove it first";

export function createWebAccounts(options: WebAccountOptions, modules: WebAccountModules): WebAccounts {
  const { db, clock } = modules;
  const parts: Parts = { ...modules, lockout: createLockout({ limit: options.guesses }, modules) };
  return {
    async login(name, proof, from) {
      const proven = await prove(parts, await parts.lockout.login(name, from), name, proof);
      if (proven.kind !== "ok") return proven;
      // An administrator cannot lock out itself, or the others.
      const barred = proven.user.isAdmin ? undefined : await barredBy(parts, name, from);
      return barred ?? openSession(parts, proven.user, from);
    },
    async register(request, from) {
      if (request.password.length < MIN_WEB_PASSWORD) return refused(TOO_SHORT);
      // The address alone: who has no account is told of nobody's.
      const barred = await barredBy(parts, "", from);
      if (barred !== undefined) return barred;
      return counted<LoginResult>(await parts.lockout.registration(from.remoteAddress), async () => {
        const result = await register(modules, request, options.openRegistration);
        const user = result.kind === "refused" ? undefined : await findUser(db, request.name);
        if (result.kind === "refused" || user === undefined)
          return {
            outcome: "failed",
            result: refused(result.kind === "refused" ? result.reason : WRONG_LOGIN),
          };
        return { outcome: "passed", result: await openSession(parts, user, from) };
      });
    },
    async logout(token) {
      if (TOKEN.test(token)) await deleteSession(db, sha256Hex(token));
    },
    async whoIs(token) {
      return TOKEN.test(token) ? findSession(db, sha256Hex(token), clock.wallMs()) : undefined;
    },
    ...settings(parts),
    ...recovery(parts),
    ...access(parts),
    ...secondFactor(options.issuer ?? "Prosper Pool", parts),
  };
}

type Settings = Pick<WebAccounts, "changePassword" | "changeAddress" | "deleteAccount">;

function settings(parts: Parts): Settings {
  const { db } = parts;
  return {
    async changePassword(session, next, proof, from) {
      if (next.length < MIN_WEB_PASSWORD) return refused(TOO_SHORT);
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      const { user } = session;
      await setPassword(db, user.id, await parts.passwords.hash(next));
      await forgetPlaces(db, user.id);
      // Whoever knew the old one may have made some.
      await deleteTokens(db, user.id);
      return renewSession(parts, user, from);
    },
    async changeAddress(session, address, proof) {
      if (!isValidFaAddress(address)) return refused(BAD_ADDRESS);
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      await setPayoutAddress(db, session.user.id, address);
      return { kind: "ok" };
    },
    async deleteAccount(session, proof) {
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      return (await deleteAccount(db, session.user.id)) ? { kind: "ok" } : refused(IS_ADMIN);
    },
  };
}

type Access = Pick<WebAccounts, "whoseToken" | "makeToken" | "sessions" | "endSession">;

/** What else lets somebody in: tokens of scripts, other sessions. */
function access(parts: Parts): Access {
  const { db, clock, random } = parts;
  const all = async (userId: bigint) =>
    (await listSessions(db, userId, { nowMs: clock.wallMs(), limit: LISTED_SESSIONS })).map((row) => ({
      ...row,
      id: sha256Hex(row.tokenHash).slice(0, 16),
    }));
  return {
    async whoseToken(token) {
      return API_TOKEN.test(token) ? findToken(db, sha256Hex(token), clock.wallMs()) : undefined;
    },
    async makeToken(session, name, proof) {
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      const token = `${API_TOKEN_PREFIX}${newToken(random)}`;
      const made = await insertToken(db, { userId: session.user.id, name, tokenHash: sha256Hex(token) });
      return made ? { kind: "ok", token } : refused(TOO_MANY_TOKENS);
    },
    async sessions({ user, token }) {
      const own = sha256Hex(token);
      return (await all(user.id)).map(({ id, beganMs, endsMs, tokenHash }) => ({
        ...{ id, beganMs, endsMs },
        isOwn: tokenHash === own,
      }));
    },
    async endSession({ user }, id) {
      const found = (await all(user.id)).find((row) => row.id === id);
      if (found !== undefined) await deleteSession(db, found.tokenHash);
    },
  };
}

type Factor = Pick<WebAccounts, "enrolSecondFactor" | "confirmSecondFactor" | "removeSecondFactor">;

function secondFactor(issuer: string, parts: Parts): Factor {
  const { db } = parts;
  return {
    async enrolSecondFactor(session, proof) {
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      const enrolment = await enrolSecondFactor(parts, session.user, issuer);
      return enrolment === undefined ? refused(IN_FORCE) : { kind: "ok", enrolment };
    },
    async confirmSecondFactor({ user, token }, code, from) {
      return counted<ConfirmResult>(await parts.lockout.session(sha256Hex(token)), async () => {
        const recoveryCodes = await confirmEnrolment(parts, user.id, code);
        if (recoveryCodes === undefined) return { outcome: "failed", result: refused(WRONG_CODE) };
        const renewed = await renewSession(parts, user, from);
        return { outcome: "passed", result: { ...renewed, recoveryCodes } };
      });
    },
    async removeSecondFactor(session, proof) {
      const proven = await proveAgain(parts, session, proof);
      if (proven.kind !== "ok") return notConfirmed(proven);
      await removeSecondFactor(db, session.user.id);
      return { kind: "ok" };
    },
  };
}

interface Parts extends WebAccountModules {
  readonly lockout: Lockout;
}

type Proven = { readonly kind: "ok"; readonly user: User } | AccountRefusal;

/** A logged-in user proves again who it is. The guess counts for the session, so that other people's failures do not block it. */
async function proveAgain(parts: Parts, { user, token }: WebSession, proof: Proof): Promise<Proven> {
  return prove(parts, await parts.lockout.session(sha256Hex(token)), user.name, proof);
}

/** Every try of a password goes through here: it is counted, and the code of a second factor must be right too. */
function prove(parts: Parts, tried: Try, name: string, { password, code }: Proof): Promise<Proven> {
  return counted<Proven>(tried, async () => {
    const user = await checkLogin(parts, name, password);
    if (user === undefined) return { outcome: "failed", result: refused(WRONG_LOGIN) };
    switch (await checkSecondFactor(parts, user.id, code)) {
      case "passed":
        return { outcome: "passed", result: { kind: "ok", user } };
      case "needed":
        // This login is neither right nor wrong yet: earlier failures still count.
        return { outcome: "unknown", result: { kind: "code-needed", reason: CODE_NEEDED } };
      case "wrong":
        return { outcome: "failed", result: { kind: "code-needed", reason: WRONG_CODE } };
    }
  });
}

/** The operator's bar on the user or the address (docs/design.md, "Operator's orders"). */
async function barredBy(
  { db }: Parts,
  name: string,
  { remoteAddress }: Origin,
): Promise<AccountRefusal | undefined> {
  const address = withoutMapping(remoteAddress);
  const bar = await webBar(db, name, isIP(address) === 0 ? undefined : address);
  return bar && refused(barWords(bar, true));
}

function notConfirmed(refusal: AccountRefusal): AccountRefusal {
  return refusal.kind === "refused" ? refused(WRONG_CURRENT) : refusal;
}

interface NamedUser {
  readonly id: bigint;
  readonly name: string;
}

/** A new session, which is then the user's only one. */
async function renewSession(parts: Parts, user: NamedUser, from: Origin): Promise<OpenedSession> {
  const opened = await openSession(parts, user, from);
  await deleteOtherSessions(parts.db, user.id, sha256Hex(opened.token));
  return opened;
}

/** The device gets a new token at each login: a token that somebody else had put there is worth nothing from then on. */
async function openSession(parts: Parts, user: NamedUser, from: Origin): Promise<OpenedSession> {
  const [token, device] = [newToken(parts.random), newToken(parts.random)];
  const nowMs = parts.clock.wallMs();
  await parts.db.transaction(async (tx) => {
    await insertSession(tx, {
      tokenHash: sha256Hex(token),
      userId: user.id,
      nowMs,
      expiresAtMs: nowMs + SESSION_SECONDS * 1000,
    });
    const places = placesOf(from).map(({ hash }) => hash);
    await alertLogin(tx, { user: user.name, places, from: from.remoteAddress, nowMs });
  });
  await parts.lockout.remember(user.name, { ...from, device }, from.device);
  return { kind: "ok", token, device };
}

function newToken(random: Random): string {
  return Buffer.from(random(32)).toString("base64url");
}
