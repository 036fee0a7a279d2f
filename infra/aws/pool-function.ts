/** One of the pool's Lambdas: its bundle, a role of its own that may write its own log and ask the database, its log group, its alarm. */

import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type * as v from "valibot";
import type { ENVIRONMENTS, FunctionName } from "../../functions/environment.ts";
import { ROLES } from "../../shared/db/roles.ts";
import type { Bundles } from "./bundle.ts";
import {
  type DatabaseAccess,
  databaseEnvironment,
  databaseUserOf,
  grantDatabase,
} from "./database-access.ts";
import { PERIOD, RunbookAlarm } from "./runbook-alarm.ts";

/** What all functions of a stage share. */
export interface FunctionSetting {
  readonly stage: string;
  readonly bundles: Bundles;
  readonly database: DatabaseAccess;
  readonly logDays: RetentionDays;
  readonly architecture: Architecture;
  /** Added to each function's own variables: where an emulator's services are. */
  readonly extraEnvironment: Readonly<Record<string, string>>;
}

type OwnEnvironment<Name extends FunctionName> = Omit<
  v.InferInput<(typeof ENVIRONMENTS)[Name]>,
  `DATABASE_${string}` | "LOG_LEVEL" | "AWS_REGION" | "AWS_LAMBDA_FUNCTION_NAME" | "AWS_ENDPOINT_URL"
>;

export interface PoolFunctionProps<Name extends FunctionName> extends FunctionSetting {
  readonly name: Name;
  readonly description: string;
  readonly timeout: Duration;
  readonly memoryMiB: number;
  /** Its variables (functions/environment.ts), all but the database's. */
  readonly environment: OwnEnvironment<Name>;
  /** Instances at most; undefined: what the account allows. */
  readonly reservedConcurrency?: number;
}

export class PoolFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly function: LambdaFunction;
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, props: PoolFunctionProps<Name>) {
    super(scope, id);
    const functionName = `prosper-${props.stage}-${props.name}`;
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/prosper/${props.stage}/${props.name}`,
      retention: props.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.log = logGroup;
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `What ${functionName} may do`,
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    const user = databaseUserOf(props.name);
    // The owner gives the roles their passwords.
    grantDatabase(role, props.database, user, user === "owner" ? ROLES : []);
    this.function = new LambdaFunction(this, "Function", {
      functionName,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: props.architecture,
      code: Code.fromAsset(props.bundles[props.name].folder),
      handler: "index.handler",
      timeout: props.timeout,
      memorySize: props.memoryMiB,
      role,
      logGroup,
      environment: {
        ...databaseEnvironment(props.database, user),
        ...props.environment,
        ...props.extraEnvironment,
      },
      ...(props.reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: props.reservedConcurrency }),
    });
    new RunbookAlarm(this, "ErrorsAlarm", {
      stage: props.stage,
      name: `${props.name}-errors`,
      heading: "A function fails",
      metric: this.function.metricErrors({ period: PERIOD }),
      atLeast: 1,
      of: { periods: 5, ringing: 3 },
    });
    new RunbookAlarm(this, "ThrottlesAlarm", {
      stage: props.stage,
      name: `${props.name}-throttles`,
      heading: "A function is throttled",
      metric: this.function.metricThrottles({ period: PERIOD }),
      atLeast: 1,
      of: { periods: 5, ringing: 3 },
    });
  }
}
