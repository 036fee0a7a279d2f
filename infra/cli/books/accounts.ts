/** `prosper db admin USER` and `prosper db code [CODE]`: what the reference's commands do, on any database of a pool. */

import {
  createInvite,
  promoteAdmin,
  resetPassword,
  resetSecondFactor,
} from "../../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../../functions/auth/password.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import type { Db } from "../../../shared/db/port.ts";
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

/** Makes a new invite code, a random one where none is given. */
export async function dbCodeCommand(code: string | undefined, modules: AccountCommandModules): Promise<void> {
  const made = await createInvite({ db: modules.db, random: systemRandom }, code);
  await logAdminAction(modules.db, { actor: ACTOR, action: "make-invite", subject: "" });
  modules.print(`New Code: ${made}`, { event: "invite", code: made });
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
