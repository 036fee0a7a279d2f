/** The role of the database that a secret of stage local stands for, by its name (infra/aws/local-app.ts): there is no password to look up. */

import { ROLES, roleName } from "../../../shared/db/roles.ts";

/** Undefined: the owner's, or a secret of something else. */
export function localRole(secretArn: string): string | undefined {
  const role = ROLES.find((name) => secretArn.endsWith(`:secret:prosper-local-${name}`));
  return role === undefined ? undefined : roleName(role);
}
