/** The migration as a Lambda: called by CloudFormation before anything that needs the new schema. */

import { loadMigrations, migrate } from "../../shared/db/migrate.ts";
import { sql } from "../../shared/db/port.ts";
import { readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createMigrateHandler } from "./handler.ts";

const modules = lambdaModules(readEnvironment("migrate"));

/** With three minutes for the cluster to wake, below the function's own 15. What still runs then goes on, and the next deployment finds it. */
const PATIENCE_MS = 11 * 60_000;

export const handler = createMigrateHandler({
  ...modules,
  fetch,
  awake: () => modules.db.execute(sql`SELECT 1`),
  migrate: () => migrate(modules.db, loadMigrations(), { clock: modules.clock, patienceMs: PATIENCE_MS }),
});
