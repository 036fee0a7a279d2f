/** Who may ask the database over the Data API: one cluster, by the secret of one role, nothing else. */

import { Effect, type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { FunctionName } from "../../functions/environment.ts";
import type { Role } from "../../shared/db/roles.ts";

/** The owner migrates; the roles are those of shared/db/roles.ts. */
export type DatabaseUser = "owner" | Role;

export function databaseUserOf(name: FunctionName): DatabaseUser {
  if (name === "migrate") return "owner";
  return name === "janitor" ? "accounting" : name;
}

export interface DatabaseAccess {
  readonly clusterArn: string;
  /** The secret of the user that statements run as. */
  readonly secretArnOf: (user: DatabaseUser) => string;
  readonly name: string;
}

/** The variables of every function (functions/environment.ts). */
export function databaseEnvironment(
  database: DatabaseAccess,
  user: DatabaseUser,
): {
  DATABASE_CLUSTER_ARN: string;
  DATABASE_SECRET_ARN: string;
  DATABASE_NAME: string;
} {
  return {
    DATABASE_CLUSTER_ARN: database.clusterArn,
    DATABASE_SECRET_ARN: database.secretArnOf(user),
    DATABASE_NAME: database.name,
  };
}

/** `reads`: other users whose secrets it may read. */
export function grantDatabase(
  grantee: IGrantable,
  database: DatabaseAccess,
  user: DatabaseUser,
  reads: readonly DatabaseUser[] = [],
): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: [
        "rds-data:ExecuteStatement",
        "rds-data:BatchExecuteStatement",
        "rds-data:BeginTransaction",
        "rds-data:CommitTransaction",
        "rds-data:RollbackTransaction",
      ],
      resources: [database.clusterArn],
    }),
  );
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ["secretsmanager:GetSecretValue"],
      resources: [user, ...reads].map(database.secretArnOf),
    }),
  );
}
