/** What a pool needs before its first visitor: an administrator, an unclaimed invite code, and users made without a login. */

import type { Random } from "../../shared/clock.ts";
import {
  anyAdmin,
  fillPayoutAddress,
  findUser,
  insertUser,
  setAdmin,
  setPassword,
} from "../../shared/db/accounts.ts";
import { type InviteTerms, insertInvite, unclaimedInvite } from "../../shared/db/invites.ts";
import { forgetPlaces } from "../../shared/db/login-places.ts";
import type { Db } from "../../shared/db/port.ts";
import { removeSecondFactor } from "../../shared/db/second-factors.ts";
import { deleteOtherSessions } from "../../shared/db/sessions.ts";
import { CodedError } from "../../shared/errors.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import type { Passwords } from "./password.ts";

export interface BootstrapModules {
  readonly db: Db;
  readonly random: Random;
  readonly passwords: Passwords;
}

/** Shown once; only the password's hash is kept. */
export interface NewAdmin {
  readonly name: string;
  readonly password: string;
}

/** An administrator that is not in the database yet. */
export interface DraftAdmin extends NewAdmin {
  readonly hash: string;
}

/** Lower-case letters and digits that are not mistaken for each other. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/**
 * What the operator of a pool is told at its start: an invite code, and the administrator where there was none. Call it when everything else has
 * started: the password is told once, and a start that fails tells nothing. `draft`: of `draftAdmin`, by who had the time for it.
 */
export async function ensureAccess(
  modules: BootstrapModules,
  draft?: DraftAdmin,
): Promise<{ readonly inviteCode: string; readonly admin: NewAdmin | undefined }> {
  const inviteCode = await ensureInvite(modules);
  return { inviteCode, admin: await ensureAdmin(modules, draft) };
}

/** An administrator with a random name and password. The hash takes a tenth of a second. */
export async function draftAdmin(modules: Omit<BootstrapModules, "db">): Promise<DraftAdmin> {
  const name = `admin-${randomWord(modules.random, 4)}`;
  const password = randomPassword(modules.random);
  return { name, password, hash: await modules.passwords.hash(password) };
}

/** Makes an administrator if there is none; undefined if there is one. */
export async function ensureAdmin(
  modules: BootstrapModules,
  draft?: DraftAdmin,
): Promise<NewAdmin | undefined> {
  if (await anyAdmin(modules.db)) return undefined;
  const { name, password, hash } = draft ?? (await draftAdmin(modules));
  const made = await insertUser(modules.db, { name, password: hash, payoutAddress: null, isAdmin: true });
  return made ? { name, password } : ensureAdmin(modules);
}

/** A code that nobody has claimed: the oldest there is, or a new one. */
export async function ensureInvite(modules: Pick<BootstrapModules, "db" | "random">): Promise<string> {
  return (await unclaimedInvite(modules.db)) ?? createInvite(modules);
}

/** At one go: more are for a program. */
export const MOST_INVITES = 50;

/** A new unclaimed code: `code` if it is given, otherwise a random one. Throws CodedError `invite-exists`. */
export async function createInvite(
  modules: Pick<BootstrapModules, "db" | "random">,
  code: string = randomInvite(modules.random),
  terms: InviteTerms = {},
): Promise<string> {
  if (code === "" || code.length > 254 || /[^\x21-\x7e]/.test(code))
    throw new CodedError(
      "invite-invalid",
      "an invite code is 1 to 254 printable ASCII characters without space",
    );
  if (await insertInvite(modules.db, code, terms)) return code;
  throw new CodedError(
    "invite-exists",
    "that invite code exists already, or one that differs in case and separators only: choose another",
  );
}

/** A user that mines and is paid but cannot log in; an address that is set stays. Throws CodedError `address-invalid`. */
export async function ensureUser(db: Db, name: string, address: string): Promise<void> {
  if (!isValidFaAddress(address))
    throw new CodedError("address-invalid", `the payout address of user ${name} is no valid FA address`);
  const made = await insertUser(db, { name, password: null, payoutAddress: address });
  if (!made) await fillPayoutAddress(db, name, address);
}

/**
 * Makes a user an administrator. Sets and returns a new password if the user has none, or if `resetPassword` asks for it.
 * Throws CodedError `user-unknown`.
 */
export async function promoteAdmin(
  modules: BootstrapModules,
  name: string,
  options: { resetPassword?: boolean } = {},
): Promise<{ password: string | undefined }> {
  const user = await findUser(modules.db, name);
  if (user === undefined || !(await setAdmin(modules.db, name)))
    throw new CodedError(
      "user-unknown",
      `there is no user ${name}: register it first, over the web or by a miner`,
    );
  if (user.password !== null && options.resetPassword !== true) return { password: undefined };
  return { password: await renewPassword(modules, user) };
}

/** Gives a user a new password and returns it; changes nothing else, the second factor neither. Throws CodedError `user-unknown`. */
export async function resetPassword(modules: BootstrapModules, name: string): Promise<string> {
  const user = await findUser(modules.db, name);
  if (user === undefined) throw new CodedError("user-unknown", `there is no user ${name}`);
  return renewPassword(modules, user);
}

async function renewPassword(modules: BootstrapModules, user: { readonly id: bigint }): Promise<string> {
  const password = randomPassword(modules.random);
  await setPassword(modules.db, user.id, await modules.passwords.hash(password));
  // Whoever logged in with the old password is logged out.
  await deleteOtherSessions(modules.db, user.id, "");
  await forgetPlaces(modules.db, user.id);
  return password;
}

/** For a user that has lost both authenticator and recovery codes. False where it had no second factor. Throws CodedError `user-unknown`. */
export async function resetSecondFactor(db: Db, name: string): Promise<boolean> {
  const user = await findUser(db, name);
  if (user === undefined) throw new CodedError("user-unknown", `there is no user ${name}`);
  return removeSecondFactor(db, user.id);
}

/** 20 characters, 99 bits. */
function randomPassword(random: Random): string {
  return Array.from({ length: 4 }, () => randomWord(random, 5)).join("-");
}

/** 15 characters, 74 bits. */
function randomInvite(random: Random): string {
  return Array.from({ length: 3 }, () => randomWord(random, 5)).join("-");
}

/** Bytes beyond the largest multiple of the alphabet's length are thrown away, so that every letter is equally likely. */
function randomWord(random: Random, length: number): string {
  const limit = 256 - (256 % ALPHABET.length);
  let word = "";
  while (word.length < length) {
    for (const byte of random(length)) {
      if (byte < limit && word.length < length) word += ALPHABET[byte % ALPHABET.length] ?? "";
    }
  }
  return word;
}
