/**
 * The serverless half: summaries queue, functions, schedules, and the function URL of the pages. Only services that LocalStack's community
 * edition has, so that the very same stack runs on an emulator; a test has the list of them.
 */

import { CfnOutput, CustomResource, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  EventInvokeConfig,
  EventSourceMapping,
  FunctionUrlAuthType,
  type IFunction,
  type IFunctionUrl,
} from "aws-cdk-lib/aws-lambda";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import type { FunctionName } from "../../functions/environment.ts";
import { ROLES } from "../../shared/db/roles.ts";
import { grantArchive } from "./archive-bucket.ts";
import {
  CANARY_PERIOD,
  SLOW_PERIOD,
  watchArchive,
  watchBackups,
  watchBooks,
  watchCanary,
  watchHeartbeats,
  watchRoots,
} from "./control-alarms.ts";
import type { FunctionSetting } from "./pool-function.ts";
import { PoolFunction } from "./pool-function.ts";
import type { PoolSettings, PriceSettings, Stage } from "./stages.ts";
import { WatchedQueue } from "./watched-queue.ts";

export interface ControlStackProps extends StackProps {
  readonly functions: FunctionSetting;
  readonly pool: PoolSettings;
  readonly prices: PriceSettings;
  /** Shown to miners: the plain port and, where there is one, the port for TLS. */
  readonly stratum: { readonly host: string; readonly port: number; readonly tlsPort?: number };
  /** See Stage. */
  readonly canaryUser?: string;
  /** Of this program. */
  readonly version: string;
  /** Changes with the migrations and the roles' rights, so that each deployment of new ones runs them. */
  readonly schema: string;
  /** False: an emulator's database. Its roles have no passwords, since its Data API asks for none, and nobody keeps backups of it. */
  readonly isAurora: boolean;
  /** See Stage.web. */
  readonly corsOrigins?: readonly string[];
  /** See Stage.web. */
  readonly explorer?: string;
  /** Name of the secret that CloudFront sends to prove itself. */
  readonly originSecret: string;
  /** Name of the secret that the key is made of which signs receipts. */
  readonly receiptSecret: string;
  /** Blocks of an entry on the chain of roots; 0: none is written. */
  readonly rootsBatch: number;
  /** Sender of e-mail; empty: the pool sends none. */
  readonly mailFrom: string;
  /** Beside an emulator alone: alerts may go to this machine and its network. */
  readonly allowPrivate?: boolean;
  /** False while the pool is turned off: schedules would keep the database awake. */
  readonly isScheduled: boolean;
  /** See Stage. */
  readonly concurrency?: Stage["concurrency"];
  /** See Stage; where not given, what 30,000 workers are far from filling. */
  readonly books?: Stage["books"];
  /** So many blocks in a row without a reward are an alarm. */
  readonly rewardlessBlocks?: number;
  /** Where the deltas of sealed blocks go; undefined: they stay in the database. */
  readonly archive?: IBucket;
  /** Test stages only: how old a kept secret may be. */
  readonly secretSeconds?: number;
  /** Test stages only. */
  readonly queue?: {
    readonly timeout: Duration;
    readonly visibility: Duration;
  };
}

/** How long a missing close marker is waited for (docs/design.md, "Sealing"): half an hour; with short blocks three of them, at least 30 s. */
export function sealDeadlineSeconds(blockSeconds: number): number {
  return Math.min(1800, Math.max(30, 3 * blockSeconds));
}

const USUAL_BOOKS = { memoryMiB: 512, janitorSeconds: 55, events: 4 } as const;
const ACCOUNTING_TIMEOUT = Duration.seconds(30);
/** A run begins nothing after 20 s, and what it has begun ends 15 s later; the rest is the database's. The next run comes after a minute. */
const ALERTS_TIMEOUT = Duration.seconds(50);
/** The longest that Lambda has: a long migration is waited for (shared/db/long-migration.ts). */
const MIGRATE_TIMEOUT = Duration.minutes(15);

interface ScheduleOptions {
  readonly enabled: boolean;
  readonly schema: Construct;
  readonly every?: Duration;
  /** What the function is told; without it, the schedule's own event. */
  readonly event?: Readonly<Record<string, string>>;
}

type Functions = Record<Exclude<FunctionName, "canary">, IFunction> & { readonly canary?: IFunction };

export class ControlStack extends Stack {
  readonly summaries: WatchedQueue;
  readonly functions: Functions;
  readonly logs: readonly LogGroup[];
  readonly url: IFunctionUrl;

  constructor(scope: Construct, id: string, props: ControlStackProps) {
    super(scope, id, props);
    const { stage } = props.functions;
    this.summaries = new WatchedQueue(this, "Summaries", {
      stage,
      name: "summaries",
      consumerTimeout: props.queue?.timeout ?? ACCOUNTING_TIMEOUT,
      ...(props.queue === undefined ? {} : { visibility: props.queue.visibility }),
    });
    this.functions = {
      accounting: this.#accounting(props),
      alerts: this.#alerts(props),
      auth: this.#auth(props),
      poll: this.#poll(props),
      api: this.#api(props),
      janitor: this.#janitor(props),
      migrate: this.#migrate(props),
      ...(props.canaryUser === undefined ? {} : { canary: this.#canary(props.canaryUser, props) }),
    };
    this.logs = this.node
      .findAll()
      .filter((one) => one instanceof PoolFunction)
      .map(({ log }) => log);
    // CloudFormation calls it and does not wait for its end: a run that was cut off would be tried again after the deployment has failed of it.
    this.#tryOnce("Migrate", this.functions.migrate, MIGRATE_TIMEOUT);
    const schema = new CustomResource(this, "Schema", {
      serviceToken: this.functions.migrate.functionArn,
      resourceType: "Custom::DatabaseSchema",
      // The function answers within its own time limit or not at all.
      serviceTimeout: MIGRATE_TIMEOUT,
      properties: { schema: props.schema },
    });
    // No new code runs on an old schema.
    for (const [name, reader] of Object.entries(this.functions))
      if (name !== "migrate") reader.node.addDependency(schema);
    this.url = this.functions.api.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
    this.#feed(schema, props.books ?? USUAL_BOOKS);
    const enabled = props.isScheduled;
    this.#schedule("Poll", this.functions.poll, { enabled, schema });
    this.#schedule("Janitor", this.functions.janitor, { enabled, schema });
    this.#schedule("Alerts", this.functions.alerts, { enabled, schema });
    const event = { check: "receipts" };
    this.#schedule("Receipts", this.functions.api, { enabled, schema, every: SLOW_PERIOD, event });
    const { canary } = this.functions;
    if (canary !== undefined) this.#schedule("Canary", canary, { enabled, schema, every: CANARY_PERIOD });
    watchBooks(this, stage);
    if (props.isScheduled && canary !== undefined) watchCanary(this, stage);
    if (props.isScheduled) watchHeartbeats(this, stage, props.rewardlessBlocks);
    if (props.isScheduled && props.archive !== undefined) watchArchive(this, stage);
    if (props.isScheduled && props.isAurora) watchBackups(this, stage);
    if (props.isScheduled && props.rootsBatch > 0) watchRoots(this, stage, props);
    new CfnOutput(this, "QueueUrl", { value: this.summaries.queue.queueUrl });
    new CfnOutput(this, "DeadLettersUrl", { value: this.summaries.deadLetters.queueUrl });
    new CfnOutput(this, "AuthFunction", { value: this.functions.auth.functionName });
    new CfnOutput(this, "PollFunction", { value: this.functions.poll.functionName });
    new CfnOutput(this, "FunctionUrl", { value: this.url.url });
  }

  #accounting(props: ControlStackProps): IFunction {
    return new PoolFunction(this, "Accounting", {
      ...props.functions,
      name: "accounting",
      ...reserved(props.concurrency?.accounting),
      description: "Applies summaries of edges to the books and seals what is ready",
      timeout: props.queue?.timeout ?? ACCOUNTING_TIMEOUT,
      memoryMiB: (props.books ?? USUAL_BOOKS).memoryMiB,
      environment: {
        SEAL_DEADLINE_SECONDS: `${sealDeadlineSeconds(props.pool.blockSeconds)}`,
        DEAD_LETTERS_URL: this.summaries.deadLetters.queueUrl,
      },
    }).function;
  }

  #alerts(props: ControlStackProps): IFunction {
    const { mailFrom, allowPrivate = false } = props;
    const mailSecret = mailFrom === "" ? "" : mailSecretName(props.functions.stage);
    const alerts = new PoolFunction(this, "Alerts", {
      ...props.functions,
      name: "alerts",
      description: "Delivers what users are to be told",
      timeout: ALERTS_TIMEOUT,
      // Up to 16 handshakes of TLS at a time.
      memoryMiB: 512,
      environment: {
        POOL_NAME: props.pool.name,
        MAIL_FROM: mailFrom,
        MAIL_SECRET_NAME: mailSecret,
        ALLOW_PRIVATE: allowPrivate ? "yes" : "no",
      },
    }).function;
    if (mailSecret !== "") Secret.fromSecretNameV2(this, "Mail", mailSecret).grantRead(alerts);
    return alerts;
  }

  #auth(props: ControlStackProps): IFunction {
    return new PoolFunction(this, "Auth", {
      ...props.functions,
      name: "auth",
      ...reserved(props.concurrency?.auth),
      description: "Logs miners in and registers them for edges",
      timeout: Duration.seconds(10),
      // argon2id takes most of the time. A function gets a whole processor from 1,769 MiB on.
      memoryMiB: 1024,
      environment: { REGISTRATION: props.pool.registration },
    }).function;
  }

  #poll(props: ControlStackProps): IFunction {
    const { blockSeconds, activation, startHeight } = props.pool;
    const { staleSeconds, hasKeys = false, ...prices } = props.prices;
    const keysSecret = hasKeys ? priceKeysSecret(props.functions.stage) : "";
    const poll = new PoolFunction(this, "Poll", {
      ...props.functions,
      name: "poll",
      ...reserved(props.concurrency?.poll),
      description: "Asks price sources and writes the prices of the next record",
      timeout: Duration.seconds(50),
      memoryMiB: 512,
      environment: {
        BLOCK_SECONDS: `${blockSeconds}`,
        ACTIVATION: `${activation}`,
        START_HEIGHT: `${startHeight}`,
        STALE_SECONDS: `${staleSeconds}`,
        PRICES: JSON.stringify(prices),
        PRICE_KEYS_SECRET: keysSecret,
      },
    }).function;
    if (hasKeys) Secret.fromSecretNameV2(this, "PriceKeys", keysSecret).grantRead(poll);
    return poll;
  }

  #api(props: ControlStackProps): IFunction {
    const { pool, stratum, originSecret, receiptSecret } = props;
    const api = new PoolFunction(this, "Api", {
      ...props.functions,
      name: "api",
      ...reserved(props.concurrency?.api),
      description: "The pages, REST and JSON-RPC",
      timeout: Duration.seconds(15),
      memoryMiB: 1024,
      environment: {
        POOL_NAME: pool.name,
        VERSION: props.version,
        BLOCK_SECONDS: `${pool.blockSeconds}`,
        REGISTRATION: pool.registration,
        HAS_MAIL: props.mailFrom === "" ? "no" : "yes",
        TWO_ADMINISTRATORS: pool.twoAdministrators ? "true" : "false",
        PAYOUT_MINIMUM: pool.payoutMinimum ?? "",
        EXPLORER: props.explorer ?? "",
        ...(props.corsOrigins === undefined ? {} : { CORS_ORIGINS: props.corsOrigins.join(",") }),
        STRATUM_HOST: stratum.host,
        STRATUM_PORT: `${stratum.port}`,
        STRATUM_TLS_PORT: `${stratum.tlsPort ?? ""}`,
        LXR_BITS: `${pool.lxrBits}`,
        ORIGIN_SECRET_NAME: originSecret,
        RECEIPT_SECRET_NAME: receiptSecret,
        ...(props.secretSeconds === undefined ? {} : { SECRET_SECONDS: `${props.secretSeconds}` }),
      },
    }).function;
    Secret.fromSecretNameV2(this, "ApiOrigin", originSecret).grantRead(api);
    Secret.fromSecretNameV2(this, "ApiReceipts", receiptSecret).grantRead(api);
    return api;
  }

  #janitor(props: ControlStackProps): IFunction {
    const { blockSeconds } = props.pool;
    const janitor = new PoolFunction(this, "Janitor", {
      ...props.functions,
      name: "janitor",
      description: "Seals what no message triggers, ends epochs of edges that are gone, prunes statistics",
      timeout: Duration.seconds((props.books ?? USUAL_BOOKS).janitorSeconds),
      memoryMiB: (props.books ?? USUAL_BOOKS).memoryMiB,
      environment: {
        SEAL_DEADLINE_SECONDS: `${sealDeadlineSeconds(blockSeconds)}`,
        BLOCK_SECONDS: `${blockSeconds}`,
        ROOTS_BATCH: `${props.rootsBatch}`,
        RECEIPT_SECRET_NAME: props.rootsBatch === 0 ? "" : props.receiptSecret,
        ARCHIVE_BUCKET: props.archive?.bucketName ?? "",
        WATCH_BACKUPS: props.isAurora ? "yes" : "no",
      },
    }).function;
    if (props.isAurora)
      janitor.addToRolePolicy(
        new PolicyStatement({
          actions: ["rds:DescribeDBClusters"],
          resources: [props.functions.database.clusterArn],
        }),
      );
    if (props.rootsBatch > 0)
      Secret.fromSecretNameV2(this, "JanitorReceipts", props.receiptSecret).grantRead(janitor);
    if (props.archive !== undefined) grantArchive(janitor, props.archive, ["s3:GetObject", "s3:PutObject"]);
    return janitor;
  }

  /** In no network of ours, so that it comes in by the balancer from outside as miners do, and needs no gateway for it. */
  #canary(user: string, { functions, stratum }: ControlStackProps): IFunction {
    return new PoolFunction(this, "Canary", {
      ...functions,
      name: "canary",
      description: "Connects as a miner does and waits for a job, to measure from outside",
      // A look has 45 s; what it saw has to be written down.
      timeout: Duration.minutes(1),
      memoryMiB: 256,
      environment: {
        CANARY_USER: user,
        STRATUM_HOST: stratum.host,
        STRATUM_PORT: `${stratum.tlsPort ?? stratum.port}`,
        STRATUM_TLS: stratum.tlsPort === undefined ? "false" : "true",
      },
    }).function;
  }

  #migrate(props: ControlStackProps): IFunction {
    return new PoolFunction(this, "Migrate", {
      ...props.functions,
      name: "migrate",
      description: "Brings the database to this version when the stack is deployed",
      timeout: MIGRATE_TIMEOUT,
      memoryMiB: 512,
      environment: {
        ROLE_SECRETS: Stack.of(this).toJsonString(
          props.isAurora
            ? Object.fromEntries(ROLES.map((role) => [role, props.functions.database.secretArnOf(role)]))
            : {},
        ),
      },
    }).function;
  }

  /** Has no filter: messages that a filter leaves out would be deleted. */
  #feed(schema: Construct, { events }: NonNullable<Stage["books"]>): void {
    this.summaries.queue.grantConsumeMessages(this.functions.accounting);
    this.summaries.deadLetters.grantSendMessages(this.functions.accounting);
    const feed = new EventSourceMapping(this, "Feed", {
      target: this.functions.accounting,
      eventSourceArn: this.summaries.queue.queueArn,
      batchSize: 10,
      maxBatchingWindow: Duration.seconds(1),
      reportBatchItemFailures: true,
      maxConcurrency: events,
    });
    feed.node.addDependency(schema);
  }

  #schedule(
    name: string,
    target: IFunction,
    { enabled, schema, every = Duration.minutes(1), event }: ScheduleOptions,
  ): void {
    // A late run is of no use: the next one comes soon.
    const once = { retryAttempts: 0, maxEventAge: Duration.minutes(1) };
    const rule = new Rule(this, `${name}Schedule`, {
      schedule: Schedule.rate(every),
      enabled,
      targets: [
        new LambdaTarget(
          target,
          event === undefined ? once : { ...once, event: RuleTargetInput.fromObject(event) },
        ),
      ],
    });
    // Nor does Lambda try a run again by itself, which it would twice.
    this.#tryOnce(name, target, Duration.minutes(1));
    rule.node.addDependency(schema);
  }

  #tryOnce(name: string, target: IFunction, maxEventAge: Duration): void {
    new EventInvokeConfig(this, `${name}Retries`, { function: target, retryAttempts: 0, maxEventAge });
  }
}

/** Made by the operator (docs/aws.md), as the next one is. */
export function mailSecretName(stage: string): string {
  return `prosper/${stage}/mail`;
}

/** As the edge's is. */
function priceKeysSecret(stage: string): string {
  return `prosper/${stage}/prices`;
}

function reserved(instances: number | undefined): { reservedConcurrency?: number } {
  return instances === undefined ? {} : { reservedConcurrency: instances };
}
