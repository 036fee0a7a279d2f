/** Accounts as the web sees them: register, log in and out, and what a user may change. */

import { createHash } from "node:crypto";
import type { Clock, Random } from "../../shared/clock.ts";
import { setPassword, setPayoutAddress, type User } from "../../shared/db/accounts.ts";
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

export interface WebAccountOptions {
  /** True: no invite code is needed. */
  openRegistration: boolean;
}

export interface WebAccountModules extends CredentialModules {
  readonly clock: Clock;
  readonly random: Random;
  /** Asked before a password is hashed; without one every try is allowed. */
  readonly throttle?: LoginThrottle;
}

/** Limits failed logins by user and address. */
export interface LoginThrottle {
  mayTry(user: string, remoteAddress: string): boolean;
  report(user: string, remoteAddress: string, passed: boolean): void;
}

/** A session's token goes into a cookie and nowhere else. */
export type LoginResult =
  | { readonly kind: "ok"; readonly token: string }
  | { readonly kind: "refused" | "throttled"; readonly reason: string };

export type ChangeResult = { readonly kind: "ok" } | { readonly kind: "refused"; readonly reason: string };

/** Every method rejects with CodedError `db-away` or `auth-away` where no answer can be had. */
export interface WebAccounts {
  login(name: string, password: string, remoteAddress: string): Promise<LoginResult>;
  /** Registers and logs in. */
  register(request: RegistrationRequest, remoteAddress: string): Promise<LoginResult>;
  logout(token: string): Promise<void>;
  /** The user of a live session. */
  whoIs(token: string): Promise<SessionUser | undefined>;
  /** The current password is asked again; every other session of the user ends. */
  changePassword(
    user: SessionUser,
    token: string,
    current: string,
    next: string,
    remoteAddress: string,
  ): Promise<ChangeResult>;
  /** Where money goes is changed only with the password. */
  changeAddress(
    user: SessionUser,
    current: string,
    address: string,
    remoteAddress: string,
  ): Promise<ChangeResult>;
}

/** A working day with a margin. */
export const SESSION_SECONDS = 12 * 3600;
/** NIST SP 800-63B. Over stratum any length goes: a Go miner that is refused exits for good. */
export const MIN_WEB_PASSWORD = 8;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const TOO_SHORT = `a password has at least ${MIN_WEB_PASSWORD} characters`;
const WRONG_CURRENT = "the current password is wrong";
const THROTTLED = "too many failed logins: wait a minute, then try again";

export function createWebAccounts(options: WebAccountOptions, modules: WebAccountModules): WebAccounts {
  const { db, clock } = modules;
  return {
    async login(name, password, remoteAddress) {
      const tried = await tryPassword(modules, name, password, remoteAddress);
      return tried.kind === "ok" ? openSession(modules, tried.user.id) : tried;
    },
    async register(request, remoteAddress) {
      if (request.password.length < MIN_WEB_PASSWORD) return { kind: "refused", reason: TOO_SHORT };
      const result = await register(modules, request, options.openRegistration);
      if (result.kind === "refused") return result;
      const tried = await tryPassword(modules, request.name, request.password, remoteAddress);
      return tried.kind === "ok" ? openSession(modules, tried.user.id) : tried;
    },
    async logout(token) {
      if (TOKEN.test(token)) await deleteSession(db, hashToken(token));
    },
    async whoIs(token) {
      return TOKEN.test(token) ? findSession(db, hashToken(token), clock.wallMs()) : undefined;
    },
    async changePassword(user, token, current, next, remoteAddress) {
      if (next.length < MIN_WEB_PASSWORD) return { kind: "refused", reason: TOO_SHORT };
      const tried = await tryPassword(modules, user.name, current, remoteAddress);
      if (tried.kind !== "ok") return notConfirmed(tried);
      await setPassword(db, user.id, await modules.passwords.hash(next));
      await deleteOtherSessions(db, user.id, hashToken(token));
      return { kind: "ok" };
    },
    async changeAddress(user, current, address, remoteAddress) {
      if (!isValidFaAddress(address)) return { kind: "refused", reason: BAD_ADDRESS };
      const tried = await tryPassword(modules, user.name, current, remoteAddress);
      if (tried.kind !== "ok") return notConfirmed(tried);
      await setPayoutAddress(db, user.id, address);
      return { kind: "ok" };
    },
  };
}

type Tried =
  | { readonly kind: "ok"; readonly user: User }
  | { readonly kind: "refused" | "throttled"; readonly reason: string };

/** Every way to try a password goes through the throttle. */
async function tryPassword(
  modules: WebAccountModules,
  name: string,
  password: string,
  remoteAddress: string,
): Promise<Tried> {
  const { throttle } = modules;
  if (throttle?.mayTry(name, remoteAddress) === false) return { kind: "throttled", reason: THROTTLED };
  const user = await checkLogin(modules, name, password);
  throttle?.report(name, remoteAddress, user !== undefined);
  return user === undefined ? { kind: "refused", reason: WRONG_LOGIN } : { kind: "ok", user };
}

function notConfirmed(tried: {
  readonly kind: "refused" | "throttled";
  readonly reason: string;
}): ChangeResult {
  return { kind: "refused", reason: tried.kind === "refused" ? WRONG_CURRENT : tried.reason };
}

async function openSession(modules: WebAccountModules, userId: bigint): Promise<LoginResult> {
  const token = Buffer.from(modules.random(32)).toString("base64url");
  const nowMs = modules.clock.wallMs();
  await insertSession(modules.db, {
    tokenHash: hashToken(token),
    userId,
    nowMs,
    expiresAtMs: nowMs + SESSION_SECONDS * 1000,
  });
  return { kind: "ok", token };
}

function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
