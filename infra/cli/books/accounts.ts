/** `prosper db admin USER` and `prosper db code [CODE]`: what the reference's commands do, on any database of a pool. */

import {
  createInvite,
  promoteAdmin,
  resetPassword,
  resetSecondFactor,
} from "../../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../../functions/auth/password.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { demoteAdmin } from "../../../shared/db/accounts.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { parseWords, WORDS_FORM } from "../../../shared/operator/orders.ts";
import type { Print } from "../output.ts";

export interface AccountCommandModules {
  readonly db: Db;
  readonly print: Print;
}

/** The name in the log of what administrators did. */
const ACTOR = "command line";

/**
 * Makes a user an administrator. With `resetPassword`, or where the user has none, it makes a new password
 * and prints it once.
 */
export async function dbAdminCommand(
  user: string,
  options: { resetPassword?: boolean },
  modules: AccountCommandModules,
): Promise<void> {
  const random = systemRandom;
  const passwords = createPasswords({}, { random });
  const { password } = await promoteAdmin({ db: modules.db, random, passwords }, user, options);
  const details = { newPassword: password !== undefined };
  await logAdminAction(modules.db, { actor: ACTOR, action: "make-admin", subject: user, details });
  modules.print(`${user} is an administrator now: its name no longer mines, use another for miners`, {
    ...{ event: "administrator", user },
  });
  if (password !== undefined)
    modules.print(`New password (shown only here): ${password}`, { event: "password", user, password });
}

/** Gives a user a new password, printed once. */
export async function dbPasswordCommand(user: string, modules: AccountCommandModules): Promise<void> {
  const random = systemRandom;
  const passwords = createPasswords({}, { random });
  const password = await resetPassword({ db: modules.db, random, passwords }, user);
  await logAdminAction(modules.db, { actor: ACTOR, action: "reset-password", subject: user });
  modules.print(`New password of ${user} (shown only here): ${password}`, {
    event: "password",
    user,
    password,
  });
}

/** Takes the rights of an administrator away; its name may mine again. Throws CodedErrors `not-admin`, `last-admin`. */
export async function dbDemoteCommand(user: string, { db, print }: AccountCommandModules): Promise<void> {
  switch (await demoteAdmin(db, user, ACTOR)) {
    case "demoted":
      return print(`${user} is no administrator any more`, { event: "demoted", user });
    case "not-admin":
      throw new CodedError("not-admin", `${user} is no administrator: the page /admin/users shows who is`);
    case "last":
      throw new CodedError(
        "last-admin",
        `${user} is the last administrator who can log in: make another first, \`prosper db admin NAME\``,
      );
  }
}

export interface CodeTerms {
  readonly note?: string | undefined;
  readonly count?: number | undefined;
  /** Milliseconds from now. */
  readonly for?: number | undefined;
}

/** Makes new invite codes, random ones where none is given; each makes one user. Throws CodedErrors `invite-note`, `invite-count`. */
export async function dbCodeCommand(
  code: string | undefined,
  modules: AccountCommandModules,
  { note: words = "", count = 1, for: forMs }: CodeTerms = {},
): Promise<void> {
  const note = words === "" ? "" : parseWords(words);
  if (note === undefined) throw new CodedError("invite-note", `--note: ${WORDS_FORM}`);
  if (code !== undefined && count > 1)
    throw new CodedError("invite-count", "a code of your own makes one user: leave it out to make several");
  for (let i = 0; i < count; i++) {
    const terms = { note, madeBy: ACTOR, forMs };
    const made = await createInvite({ db: modules.db, random: systemRandom }, code, terms);
    await logAdminAction(modules.db, { actor: ACTOR, action: "make-invite", subject: "", details: { note } });
    modules.print(`New Code: ${made}`, { event: "invite", code: made });
  }
}

/** Lets a user whose authenticator and recovery codes are lost log in by the password alone again. */
export async function dbResetSecondFactorCommand(
  user: string,
  modules: AccountCommandModules,
): Promise<void> {
  if (!(await resetSecondFactor(modules.db, user))) {
    modules.print(`${user} has no second factor`, { event: "no-second-factor", user });
    return;
  }
  await logAdminAction(modules.db, { actor: ACTOR, action: "reset-second-factor", subject: user });
  modules.print(`${user} logs in by the password alone now`, { event: "second-factor-off", user });
}
