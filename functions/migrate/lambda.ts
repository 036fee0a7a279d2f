/** The migration as a Lambda: called by CloudFormation before anything that needs the new schema. */

import { readSecret } from "../../shared/aws/secret.ts";
import { loadMigrations, migrate as runMigrations } from "../../shared/db/migrate.ts";
import { sql } from "../../shared/db/port.ts";
import { ensureRoles } from "../../shared/db/roles.ts";
import { awsOptions, readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createMigrateHandler } from "./handler.ts";
import { readPasswords } from "./passwords.ts";

const env = readEnvironment("migrate");
const modules = lambdaModules(env);

/** With three minutes for the cluster to wake, below the function's own 15. What still runs then goes on, and the next deployment finds it. */
const PATIENCE_MS = 11 * 60_000;

export const handler = createMigrateHandler({
  ...modules,
  fetch,
  awake: () => modules.db.execute(sql`SELECT 1`),
  migrate,
});

/** The roles last: what a migration has made is in their rights, and no function that needs it runs before. */
async function migrate(): Promise<string[]> {
  const { db, clock } = modules;
  const ran = await runMigrations(db, loadMigrations(), { clock, patienceMs: PATIENCE_MS });
  await ensureRoles(db, await readPasswords(env.ROLE_SECRETS, (arn) => readSecret(awsOptions(env), arn)));
  return ran;
}
