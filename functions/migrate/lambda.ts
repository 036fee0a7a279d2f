/** The migration as a Lambda: called by CloudFormation before anything that needs the new schema. */

import { migrate } from "../../shared/db/migrate.ts";
import { readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createMigrateHandler } from "./handler.ts";

const modules = lambdaModules(readEnvironment("migrate"));

export const handler = createMigrateHandler({ ...modules, fetch, migrate: () => migrate(modules.db) });
