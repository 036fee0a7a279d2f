/** The passwords of the database's roles, from their secrets. */

import * as v from "valibot";
import { ROLES, type Role } from "../../shared/db/roles.ts";
import { CodedError } from "../../shared/errors.ts";

const login = v.pipe(v.string(), v.parseJson(), v.object({ password: v.pipe(v.string(), v.minLength(16)) }));

/** `secrets`: the name of each role's secret. Throws CodedError `role-secret` naming the role, never what the secret holds. */
export async function readPasswords(
  secrets: Readonly<Partial<Record<Role, string>>>,
  read: (secret: string) => Promise<string>,
): Promise<Partial<Record<Role, string>>> {
  const passwords: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const secret = secrets[role];
    if (secret === undefined) continue;
    const parsed = v.safeParse(login, await read(secret));
    if (!parsed.success)
      throw new CodedError(
        "role-secret",
        `the secret of role ${role} is not what the data stack makes: expected JSON with a password of 16 characters or more`,
      );
    passwords[role] = parsed.output.password;
  }
  return passwords;
}
