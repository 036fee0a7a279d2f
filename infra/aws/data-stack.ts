/** The database with the books: Aurora PostgreSQL. Edges reach it over its port, functions over the Data API. */

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { SubnetType } from "aws-cdk-lib/aws-ec2";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
} from "aws-cdk-lib/aws-rds";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { type Role, roleName } from "../../shared/db/roles.ts";
import { acknowledge } from "./acknowledge.ts";
import { archiveBucket } from "./archive-bucket.ts";
import { asSecret } from "./cdk-types.ts";
import type { DatabaseAccess } from "./database-access.ts";
import { databaseSecretName } from "./edge-settings.ts";
import type { NetworkStack } from "./network-stack.ts";
import { logRetention } from "./retention.ts";
import { PERIOD, RunbookAlarm } from "./runbook-alarm.ts";
import type { Stage } from "./stages.ts";

export interface DataStackProps extends StackProps {
  readonly stage: Stage;
  readonly network: NetworkStack;
}

const DATABASE = "prosper";
/** The major version only: Aurora takes its minor upgrades itself, and a template that named one would want to go back. */
const POSTGRES = AuroraPostgresEngineVersion.of("17", "17");
/** Percent of the largest capacity. */
const FULL = 80;

export class DataStack extends Stack {
  readonly cluster: DatabaseCluster;
  readonly secret: ISecret;
  readonly access: DatabaseAccess;
  /** Deltas of sealed blocks move there. */
  readonly archive: Bucket;
  /** Each with address, user and password, as the owner's has them. */
  readonly roleSecrets: Readonly<Record<Role, ISecret>>;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { stage, network } = props;
    const { database, isProtected } = stage;
    const clusterIdentifier = `prosper-${stage.name}`;
    // Made here, under the name that Aurora writes to, so that old entries are deleted after `logDays`.
    const log = new LogGroup(this, "Log", {
      logGroupName: `/aws/rds/cluster/${clusterIdentifier}/postgresql`,
      retention: logRetention(stage.logDays),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.cluster = new DatabaseCluster(this, "Books", {
      clusterIdentifier,
      engine: DatabaseClusterEngine.auroraPostgres({ version: POSTGRES }),
      credentials: Credentials.fromGeneratedSecret("prosper", {
        secretName: `prosper/${stage.name}/database`,
      }),
      defaultDatabaseName: DATABASE,
      enableDataApi: true,
      writer: ClusterInstance.serverlessV2("Writer", { autoMinorVersionUpgrade: true }),
      readers: database.hasStandby
        ? [ClusterInstance.serverlessV2("Standby", { scaleWithWriter: true, autoMinorVersionUpgrade: true })]
        : [],
      serverlessV2MinCapacity: database.minAcu,
      serverlessV2MaxCapacity: database.maxAcu,
      ...(database.autoPauseSeconds === undefined
        ? {}
        : { serverlessV2AutoPauseDuration: Duration.seconds(database.autoPauseSeconds) }),
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [network.databaseGroup],
      storageEncrypted: true,
      iamAuthentication: true,
      backup: { retention: Duration.days(database.backupDays) },
      copyTagsToSnapshot: true,
      cloudwatchLogsExports: ["postgresql"],
      deletionProtection: isProtected,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    this.cluster.node.addDependency(log);
    const { secret } = this.cluster;
    if (secret === undefined) throw new Error("the cluster has no secret: its credentials are generated");
    this.secret = secret;
    this.roleSecrets = {
      accounting: this.#roleSecret("accounting", stage),
      auth: this.#roleSecret("auth", stage),
      api: this.#roleSecret("api", stage),
      poll: this.#roleSecret("poll", stage),
      edge: this.#roleSecret("edge", stage),
      alerts: this.#roleSecret("alerts", stage),
      canary: this.#roleSecret("canary", stage),
    };
    this.access = {
      clusterArn: this.cluster.clusterArn,
      secretArnOf: (user) => (user === "owner" ? secret : this.roleSecrets[user]).secretArn,
      name: DATABASE,
    };
    this.archive = archiveBucket(this, stage);
    this.#acknowledge(isProtected);
    new RunbookAlarm(this, "CapacityAlarm", {
      stage: stage.name,
      name: "database-capacity",
      heading: "The database is full",
      metric: this.cluster.metric("ACUUtilization", { period: PERIOD, statistic: "Maximum" }),
      atLeast: FULL,
      of: { periods: 10, ringing: 8 },
    });
    new CfnOutput(this, "ClusterArn", { value: this.cluster.clusterArn });
    new CfnOutput(this, "ArchiveUrl", { value: `s3://${this.archive.bucketName}` });
    new CfnOutput(this, "SecretArn", { value: secret.secretArn });
  }

  /** The migrate function gives the role this password, at each deployment. */
  #roleSecret(role: Role, stage: Stage): ISecret {
    const { hostname, port } = this.cluster.clusterEndpoint;
    const secret = new Secret(this, `${role}Secret`, {
      secretName: databaseSecretName(stage, role),
      description: `The database's role ${roleName(role)}`,
      generateSecretString: {
        secretStringTemplate: this.toJsonString({
          ...{ engine: "postgres", host: hostname, port, dbname: DATABASE },
          username: roleName(role),
        }),
        generateStringKey: "password",
        excludePunctuation: true,
        passwordLength: 40,
      },
    });
    acknowledge(secret, {
      SMG4: "The runbook rotates it by two commands; a function for it would need the owner's password.",
    });
    return asSecret(secret);
  }

  #acknowledge(isProtected: boolean): void {
    acknowledge(this.cluster, {
      SMG4: "Rotating needs a function inside the network and a gateway out of it; the runbook rotates by one command instead.",
      RDS11: "Another port hides nothing: only edges reach the database's.",
      ...(isProtected ? {} : { RDS10: "A stage to try things on is deleted with its stacks." }),
    });
  }
}
