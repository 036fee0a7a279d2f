/** Who may log in and who may register: the one rule behind stratum logins and the web (docs/design.md, "Accounts"). */

import * as v from "valibot";
import {
  findUser,
  insertUser,
  type NewUser,
  type Registration,
  registerWithInvite,
  type User,
} from "../../shared/db/accounts.ts";
import { findUnclaimed } from "../../shared/db/invites.ts";
import type { Db } from "../../shared/db/port.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import { userName } from "../../shared/messages/summary.ts";
import type { Passwords } from "./password.ts";

export interface CredentialModules {
  readonly db: Db;
  readonly passwords: Passwords;
}

/** One sentence for a wrong password and for an unknown name, so that names cannot be tried out. */
export const WRONG_LOGIN = "wrong user name or password";
export const BAD_NAME = "a user name is 1 to 254 printable ASCII characters without space and comma";
export const BAD_ADDRESS = "the payout address is no valid FA address: copy it again from your wallet";
export const BAD_INVITE = "that invite code is unknown or used already: ask the pool's operator for another";
export const NEEDS_PASSWORD = "registering needs a password";
export const NEEDS_INVITE = "registering needs an invite code: ask the pool's operator for one";
export const NAME_TAKEN = "that user name is taken: choose another";

/** As `createInvite` makes them, with the spaces that somebody may put between. */
const INVITE = /^[\x20-\x7e]{1,300}$/;

/** The user behind name and password, or undefined. Takes the same time for an unknown name. */
export async function checkLogin(
  modules: CredentialModules,
  name: string,
  password: string,
): Promise<User | undefined> {
  // An invalid name takes the same steps as any other. It is looked up as "", since the database cannot hold every text (U+0000).
  const user = await findUser(modules.db, v.is(userName, name) ? name : "");
  const matches = await modules.passwords.verify(password, user?.password ?? null);
  return matches ? user : undefined;
}

export interface RegistrationRequest {
  readonly name: string;
  readonly password: string;
  readonly invite: string;
  readonly address: string;
}

export type RegistrationResult =
  | { readonly kind: "registered" }
  | { readonly kind: "refused"; readonly reason: string };

/** Makes the user, or says why not; a refusal never uses up the code. With `open`, no code is needed. */
export async function register(
  modules: CredentialModules,
  request: RegistrationRequest,
  open: boolean,
): Promise<RegistrationResult> {
  const reason = whyNotFit(request, open);
  if (reason !== undefined) return { kind: "refused", reason };
  const invite = await claimable(modules.db, request.invite);
  if (invite === undefined) return { kind: "refused", reason: BAD_INVITE };
  const user: NewUser = {
    name: request.name,
    password: await modules.passwords.hash(request.password),
    payoutAddress: request.address,
  };
  const outcome = await insert(modules.db, user, invite);
  switch (outcome) {
    case "registered":
      return { kind: "registered" };
    case "bad-invite":
      return { kind: "refused", reason: BAD_INVITE };
    case "name-taken":
      return { kind: "refused", reason: NAME_TAKEN };
  }
}

/** The code as it is stored; "" where none was given, undefined where it is not to be had. */
async function claimable(db: Db, typed: string): Promise<string | undefined> {
  if (typed === "") return "";
  return INVITE.test(typed) ? findUnclaimed(db, typed) : undefined;
}

function whyNotFit(request: RegistrationRequest, open: boolean): string | undefined {
  if (!v.is(userName, request.name)) return BAD_NAME;
  if (request.password === "") return NEEDS_PASSWORD;
  if (request.invite === "" && !open) return NEEDS_INVITE;
  if (!isValidFaAddress(request.address)) return BAD_ADDRESS;
  return undefined;
}

async function insert(db: Db, user: NewUser, invite: string): Promise<Registration> {
  if (invite !== "") return registerWithInvite(db, user, invite);
  return (await insertUser(db, user)) ? "registered" : "name-taken";
}
