/** Who may ask the database over the Data API: one cluster, one secret, nothing else. */

import { Effect, type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";

export interface DatabaseAccess {
  readonly clusterArn: string;
  /** Holds the database user that statements run as. */
  readonly secretArn: string;
  readonly name: string;
}

/** The variables of every function (functions/environment.ts). */
export function databaseEnvironment(database: DatabaseAccess): {
  DATABASE_CLUSTER_ARN: string;
  DATABASE_SECRET_ARN: string;
  DATABASE_NAME: string;
} {
  return {
    DATABASE_CLUSTER_ARN: database.clusterArn,
    DATABASE_SECRET_ARN: database.secretArn,
    DATABASE_NAME: database.name,
  };
}

export function grantDatabase(grantee: IGrantable, database: DatabaseAccess): void {
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
      resources: [database.secretArn],
    }),
  );
}
