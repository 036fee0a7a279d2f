/** Where a container finds the database, and who it is there: an edge. */

import { Secret as EcsSecret } from "aws-cdk-lib/aws-ecs";
import type { DataStack } from "./data-stack.ts";

export function databaseSecrets(data: DataStack): Record<string, EcsSecret> {
  const field = (name: string): EcsSecret => EcsSecret.fromSecretsManager(data.roleSecrets.edge, name);
  return {
    DATABASE_HOST: field("host"),
    DATABASE_PORT: field("port"),
    DATABASE_USER: field("username"),
    DATABASE_PASSWORD: field("password"),
    DATABASE_NAME: field("dbname"),
  };
}
