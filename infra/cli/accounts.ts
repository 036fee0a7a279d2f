/** `prosper db admin USER` and `prosper db code [CODE]`: what the reference's commands do, on any database of a pool. */

import { createInvite, promoteAdmin } from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { systemRandom } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";

export interface AccountCommandModules {
  readonly db: Db;
  readonly print: (line: string) => void;
}

/** Makes a user an administrator; with `resetPassword`, or where it has none, it gets a new password, printed once. */
export async function dbAdminCommand(
  user: string,
  options: { resetPassword?: boolean },
  modules: AccountCommandModules,
): Promise<void> {
  const random = systemRandom;
  const passwords = createPasswords({}, { random });
  const { password } = await promoteAdmin({ db: modules.db, random, passwords }, user, options);
  modules.print(`${user} is an administrator now`);
  if (password !== undefined) modules.print(`New password (shown only here): ${password}`);
}

/** Makes a new invite code, of chance where none is given. */
export async function dbCodeCommand(code: string | undefined, modules: AccountCommandModules): Promise<void> {
  const made = await createInvite({ db: modules.db, random: systemRandom }, code);
  modules.print(`New Code: ${made}`);
}
