/** Answers an edge's login request: a known user with the right password, or a registration (SPEC.md §5, DESIGN.md, Accounts). */

import type { AuthorizeRequest, AuthorizeVerdict } from "../../shared/messages/accounts.ts";
import {
  BAD_INVITE,
  type CredentialModules,
  checkLogin,
  NAME_TAKEN,
  register,
  WRONG_LOGIN,
} from "./credentials.ts";

export interface AuthorizeOptions {
  /** True: no invite code is needed. */
  openRegistration: boolean;
}

/**
 * A miner sends the same line to log in and to register, so what is asked follows from what it brings: with an invite (or, where
 * registration is open, an address) an unknown name registers. Rejects with CodedError where no verdict can be had.
 */
export async function authorize(
  options: AuthorizeOptions,
  modules: CredentialModules,
  request: AuthorizeRequest,
): Promise<AuthorizeVerdict> {
  const { user: name, password, invite, address } = request;
  if ((await checkLogin(modules, name, password)) !== undefined) return { kind: "ok", registered: false };
  const registers = invite !== "" || (options.openRegistration && address !== "");
  if (!registers) return { kind: "refused", reason: WRONG_LOGIN };
  const result = await register(modules, { name, password, invite, address }, options.openRegistration);
  if (result.kind === "registered") return { kind: "ok", registered: true };
  // A taken name with another password is told like a bad code, or codes would be a way to try out names.
  return { kind: "refused", reason: result.reason === NAME_TAKEN ? BAD_INVITE : result.reason };
}
