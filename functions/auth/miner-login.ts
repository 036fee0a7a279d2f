/** Answers an edge's login request: a known user with the right password, or a registration (docs/spec.md, "The stratum dialect"; docs/design.md, "Accounts"). */

import { findUser } from "../../shared/db/accounts.ts";
import { findSecondFactor } from "../../shared/db/second-factors.ts";
import type { LoginReply, LoginRequest } from "../../shared/messages/login.ts";
import {
  BAD_INVITE,
  type CredentialModules,
  checkLogin,
  NAME_TAKEN,
  register,
  WRONG_LOGIN,
} from "./credentials.ts";
import type { Lockout, TryOutcome } from "./lockout.ts";

export interface AuthorizeOptions {
  /** True: no invite code is needed. */
  openRegistration: boolean;
}

export interface AuthorizeModules extends CredentialModules {
  readonly lockout: Lockout;
}

/**
 * A line with a code may be of somebody who registers, or of a user who sends its old line with another password. An unknown name with a bad code
 * and a taken one get the same answer, so that names cannot be tried out; who has a code of its own is told what is wrong, as on the page.
 */
export const BAD_INVITE_OR_PASSWORD =
  "the invite code is unknown or used already; who is registered needs the right password, or none, and no code";
export const TAKEN_OR_PASSWORD =
  "that user name is taken: choose another; who it belongs to needs the right password, or none";
/** What miners of other pools send for a password: nothing, or a difficulty. */
const PLACEHOLDER = /^(x|d=.*)$/i;
export const LEAVE_EMPTY =
  "leave the password empty to mine: this pool reads nothing else in it, and chooses each miner's target itself";
const IN_OTHER_WORDS: Readonly<Record<string, string>> = {
  [BAD_INVITE]: BAD_INVITE_OR_PASSWORD,
  [NAME_TAKEN]: TAKEN_OR_PASSWORD,
};
const ADMIN_NAME = "an administrator's name does not mine: use another user's";

/**
 * A miner sends the same line to log in and to register. An unknown name is registered if the line has an invite (or, where
 * registration is open, an address). Counted together with the guesses over the web. Rejects with CodedError when there can be no verdict.
 */
export async function logInMiner(
  options: AuthorizeOptions,
  modules: AuthorizeModules,
  request: LoginRequest,
): Promise<LoginReply> {
  const { lockout } = modules;
  const from = { remoteAddress: request.from ?? "", exempt: request.exempt ?? false, device: "" };
  const tried = await lockout.login(request.user, from);
  if (tried.kind === "locked") return { kind: "throttled" };
  let outcome: TryOutcome = "unknown";
  try {
    const verdict = await judge(options, modules, request);
    outcome = outcomeOf(verdict, request);
    if (verdict.kind === "ok" && (await isProven(modules, request.user)))
      await lockout.remember(request.user, from);
    return verdict;
  } finally {
    await tried.end(outcome);
  }
}

/** An "x" is no guess: a farm whose miners all send it must not lock its owner out. "d=…" may be one. */
function outcomeOf(verdict: LoginReply, { password }: LoginRequest): TryOutcome {
  if (verdict.kind !== "refused" || verdict.reason === ADMIN_NAME) return "passed";
  return verdict.reason === LEAVE_EMPTY && password.toLowerCase() === "x" ? "unknown" : "failed";
}

/** Whether the password alone proves who the user is. With a second factor it does not, and a miner sends only the password. */
async function isProven({ db }: CredentialModules, name: string): Promise<boolean> {
  const user = await findUser(db, name);
  return user !== undefined && (await findSecondFactor(db, user.id))?.confirmed !== true;
}

async function judge(
  options: AuthorizeOptions,
  modules: CredentialModules,
  request: LoginRequest,
): Promise<LoginReply> {
  const { user: name, password, invite, address } = request;
  const user = await checkLogin(modules, name, password);
  // Only somebody who knows the password gets this answer, so that nobody can find out here who is an administrator.
  if (user?.isAdmin === true) return { kind: "refused", reason: ADMIN_NAME };
  if (user !== undefined) {
    const isOther = address !== "" && address !== user.payoutAddress;
    return { kind: "ok", registered: false, ...(isOther ? { otherAddress: true } : {}) };
  }
  const registers = invite !== "" || (options.openRegistration && address !== "");
  if (!registers) return { kind: "refused", reason: PLACEHOLDER.test(password) ? LEAVE_EMPTY : WRONG_LOGIN };
  const result = await register(modules, { name, password, invite, address }, options.openRegistration);
  if (result.kind === "registered") return { kind: "ok", registered: true };
  return { kind: "refused", reason: IN_OTHER_WORDS[result.reason] ?? result.reason };
}
