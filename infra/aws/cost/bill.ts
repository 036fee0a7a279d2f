/**
 * What a stage costs a month, from its own synthesised templates: each billed resource becomes lines, what costs nothing is excused by its type,
 * and a type that is neither is an error.
 */

import * as v from "valibot";
import { METRIC_NAMES } from "../../../functions/lambda-logger.ts";
import { CodedError } from "../../../shared/errors.ts";
import { EDGE_METRICS } from "../../pool/edge-report.ts";
import type { Stage } from "../stages.ts";
import { LIST_PRICES, type PriceName } from "./list-prices.ts";
import * as rates from "./rates.ts";

/** CloudFormation's. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: unknown;
}

export interface Use {
  readonly stage: Stage;
  readonly miners: number;
  /** Blocks, and months of books, that the database holds already. */
  readonly monthsOfBooks: number;
  /** Hours a month that the database is awake; 730 unless it may sleep. */
  readonly hoursAwake: number;
}

export const COLUMNS = [
  "edges",
  "balancer",
  "database",
  "storage",
  "I/O",
  "egress",
  "calls",
  "watching",
  "rest",
] as const;
export type Column = (typeof COLUMNS)[number];
export type Bill = Readonly<Record<Column, number>> & { readonly total: number };

interface Line {
  readonly column: Column;
  readonly price: PriceName;
  readonly amount: number;
}

export const HOURS = 730;
const SECONDS = HOURS * 3600;
const GB = 1e9;
const MILLION = 1e6;

type Priced = (resource: Resource, use: Use) => Line[];

/** The properties that a price goes by. */
const SERVICE = v.object({ ServiceName: v.string() });
const QUEUE = v.object({ QueueName: v.string() });
const FUNCTION = v.object({ FunctionName: v.string(), MemorySize: v.number() });
const BUCKET = v.object({ VersioningConfiguration: v.optional(v.object({ Status: v.string() })) });

/** What costs nothing by itself. */
const FREE = new Set([
  ...[
    "VPC",
    "Subnet",
    "RouteTable",
    "SubnetRouteTableAssociation",
    "Route",
    "InternetGateway",
    "VPCGatewayAttachment",
  ].map((name) => `AWS::EC2::${name}`),
  ...["SecurityGroup", "SecurityGroupEgress", "SecurityGroupIngress"].map((name) => `AWS::EC2::${name}`),
  // Refused traffic only: a few kilobytes a day, in the logs' lines below.
  "AWS::EC2::FlowLog",
  ...["Role", "Policy"].map((name) => `AWS::IAM::${name}`),
  ...["TargetGroup", "Listener"].map((name) => `AWS::ElasticLoadBalancingV2::${name}`),
  "AWS::RDS::DBSubnetGroup",
  "AWS::SecretsManager::SecretTargetAttachment",
  ...["Url", "Permission", "EventSourceMapping", "EventInvokeConfig"].map((name) => `AWS::Lambda::${name}`),
  // Its function runs at deployments only.
  "Custom::DatabaseSchema",
  // Schedules of rules and alarm changes: events of AWS itself are free.
  "AWS::Events::Rule",
  "AWS::SQS::QueuePolicy",
  // In the line of its service.
  "AWS::ECS::TaskDefinition",
  ...["ScalableTarget", "ScalingPolicy"].map((name) => `AWS::ApplicationAutoScaling::${name}`),
  // What is in it is in the lines of what logs.
  "AWS::Logs::LogGroup",
  ...["Function", "CachePolicy"].map((name) => `AWS::CloudFront::${name}`),
  ...["Topic", "TopicPolicy", "Subscription"].map((name) => `AWS::SNS::${name}`),
  "AWS::S3::BucketPolicy",
  ...["MountTarget", "AccessPoint"].map((name) => `AWS::EFS::${name}`),
  "AWS::ServiceDiscovery::Service",
]);

const PRICED: Readonly<Record<string, Priced>> = {
  "AWS::ECS::Service": (service, { stage }) => {
    const isDevnet = /devnet/.test(propertiesOf(service, SERVICE).ServiceName);
    const size = isDevnet ? stage.devnet : stage.edge;
    const tasks = isDevnet ? Math.min(1, stage.edge.tasks) : stage.edge.tasks;
    if (size === undefined) throw new CodedError("cost", `${stage.name} has a devnet of no size`);
    return [
      line("edges", "vcpu", (tasks * HOURS * size.cpu) / 1024),
      line("edges", "memory", (tasks * HOURS * size.memoryMiB) / 1024),
      line("edges", "address", tasks * HOURS),
      line("watching", "logs", (tasks * rates.EDGE_LOG_BYTES) / GB),
      line("watching", "insight", tasks * rates.INSIGHTS.task),
    ];
  },
  "AWS::ECS::Cluster": () => [line("watching", "insight", rates.INSIGHTS.cluster)],
  "AWS::ElasticLoadBalancingV2::LoadBalancer": (_, use) => [
    line("balancer", "balancer", HOURS),
    line("balancer", "address", use.stage.zones * HOURS),
    line(
      "balancer",
      "balancerUnit",
      Math.max(use.miners / 100_000, (2 * egressBytes(use)) / GB / HOURS) * HOURS,
    ),
    line("egress", "egress", egressBytes(use) / GB),
  ],
  "AWS::RDS::DBCluster": (_, use) => {
    const { keptBytes, archivableBytes, archivedRowBytes, prunedBytes, ...log } = rates.measured(use.miners);
    const archivable =
      archivableBytes * Math.min(1, use.monthsOfBooks) + archivedRowBytes * archivedMonths(use);
    const kept = blocks(use) * use.miners * (keptBytes * use.monthsOfBooks + archivable);
    const pruned = ((rates.PRUNED_DAYS * 86_400) / use.stage.pool.blockSeconds) * use.miners * prunedBytes;
    const written = blocks(use) * use.miners * (log.logBytes + log.archiveLogBytes + log.pruneLogBytes);
    return [
      line("storage", "storage", (kept + pruned) / GB),
      // A day of backup is as large as the database at most, and that much is free.
      line("storage", "backup", (written / 30 / GB) * Math.max(0, use.stage.database.backupDays - 1)),
      line("I/O", "io", (writes(use, written) + reads(use)) / MILLION),
    ];
  },
  "AWS::RDS::DBInstance": (_, use) => [line("database", "acu", use.hoursAwake * capacity(use))],
  "AWS::SQS::Queue": (queue, use) => {
    if (/dead-letters/.test(propertiesOf(queue, QUEUE).QueueName)) return [];
    // Sent, received and deleted; an event source asks five times a second at least, also where nothing comes.
    const messages = use.stage.edge.tasks * rates.MESSAGES_A_SECOND * SECONDS * busy(use);
    return [line("calls", "queue", (messages + 2 * events(use) + (SECONDS / 20) * 5) / MILLION)];
  },
  "AWS::Lambda::Function": (fn, use) => {
    const { FunctionName, MemorySize } = propertiesOf(fn, FUNCTION);
    return functionLines(FunctionName.split("-").at(-1) ?? "", MemorySize, use);
  },
  "AWS::CloudWatch::Alarm": () => [line("watching", "alarm", 1)],
  "AWS::CloudWatch::Dashboard": () => [
    line("watching", "dashboard", 1),
    // What edges and functions count: a metric is a name with its dimensions, refusals one a reason.
    line("watching", "metric", Object.keys(EDGE_METRICS).length + METRIC_NAMES.length + 8),
  ],
  "AWS::Logs::MetricFilter": () => [line("watching", "metric", 1)],
  "AWS::SecretsManager::Secret": () => [line("rest", "secret", 1)],
  "AWS::KMS::Key": () => [line("rest", "key", 1)],
  "AWS::CloudFront::Distribution": (_, { miners }) => {
    const calls = miners * rates.PAGE.partOfMiners * rates.PAGE.calls;
    return [
      line("egress", "pages", (calls * rates.PAGE.bytes) / GB),
      line("calls", "pageCalls", calls / MILLION),
    ];
  },
  "AWS::S3::Bucket": (bucket, use) => {
    const { VersioningConfiguration } = propertiesOf(bucket, BUCKET);
    const isArchive = VersioningConfiguration?.Status === "Enabled";
    if (!isArchive)
      // Visits: some 400 bytes a request, kept for the stage's days.
      return [
        line("rest", "object", (use.miners * rates.PAGE.partOfMiners * rates.PAGE.calls * 400 * 3) / GB),
      ];
    const parts = Math.max(1, (use.miners * rates.measured(use.miners).sentBytes) / rates.ARCHIVE_PART_BYTES);
    return [
      line(
        "storage",
        "object",
        (blocks(use) * use.miners * rates.measured(use.miners).archiveFileBytes * archivedMonths(use)) / GB,
      ),
      // Each file is written and read back, at the price of a write.
      line("calls", "objectCalls", (2 * blocks(use) * parts) / MILLION),
    ];
  },
  "AWS::EFS::FileSystem": () => [line("rest", "disk", 0.1)],
  "AWS::ServiceDiscovery::PrivateDnsNamespace": () => [line("rest", "zone", 1)],
};

/** `templates` are those of the stage. Throws CodedError `cost` for a resource of a type that is neither priced nor excused. */
export function billOf(
  templates: readonly { readonly Resources?: Readonly<Record<string, Resource>> }[],
  use: Use,
): Bill {
  const bill: Record<Column, number> = {
    ...{ edges: 0, balancer: 0, database: 0, storage: 0, "I/O": 0 },
    ...{ egress: 0, calls: 0, watching: 0, rest: 0 },
  };
  const lines = templates.flatMap(({ Resources = {} }) =>
    Object.entries(Resources).flatMap(([id, resource]) => {
      const priced = PRICED[resource.Type];
      if (priced !== undefined) return priced(resource, use);
      if (FREE.has(resource.Type)) return [];
      throw new CodedError(
        "cost",
        `${id} is of type ${resource.Type}, which has no price: give it one in infra/aws/cost/bill.ts, or excuse it there`,
      );
    }),
  );
  // The operator's own secret, which is in no template.
  if (use.stage.devnet === undefined) lines.push(line("rest", "secret", 1));
  for (const { column, price, amount } of lines) bill[column] += amount * LIST_PRICES[price].usd;
  return { ...bill, total: COLUMNS.reduce((sum, column) => sum + bill[column], 0) };
}

function propertiesOf<Schema extends v.GenericSchema>(
  { Type, Properties = {} }: Resource,
  schema: Schema,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, Properties);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError(
    "cost",
    `a resource of type ${Type} cannot be priced: ${v.getDotPath(issue) ?? "its properties"}: ${issue.message}`,
  );
}

function line(column: Column, price: PriceName, amount: number): Line {
  return { column, price, amount };
}

/** Deltas are in the database for a month, then in the archive. */
function archivedMonths({ monthsOfBooks }: Use): number {
  return Math.max(0, monthsOfBooks - 1);
}

function blocks({ stage }: Use): number {
  return stage.edge.tasks === 0 ? 0 : SECONDS / stage.pool.blockSeconds;
}

/** Of an instance, in ACU: what the work needs, between the bounds of the stage. */
function capacity(use: Use): number {
  const { minAcu, maxAcu } = use.stage.database;
  const cpu = (use.miners * rates.measured(use.miners).cpuMs) / 1000 / use.stage.pool.blockSeconds;
  const needed = cpu / rates.CPU_AN_ACU / rates.BUSY_PART;
  return Math.min(maxAcu, Math.max(minAcu, 0.5, needed));
}

function egressBytes(use: Use): number {
  return blocks(use) * use.miners * (rates.SHARES_A_BLOCK * rates.ANSWER_BYTES + rates.JOB_BYTES);
}

/** The part of all seconds in which some miner of an edge finds a share. */
function busy({ stage, miners }: Use): number {
  const shares = (miners * rates.SHARES_A_BLOCK) / stage.pool.blockSeconds;
  return stage.edge.tasks === 0 ? 0 : 1 - Math.exp(-shares / stage.edge.tasks);
}

/** Redo log by 4 KB. A commit fills its last unit by half; what edges and schedules commit is less than one. */
function writes(use: Use, bytes: number): number {
  const { tasks } = use.stage.edge;
  const small = SECONDS * (tasks / rates.LEASE_SECONDS + (tasks === 0 ? 0 : rates.COMMITS_A_MINUTE / 60));
  return bytes / 4096 + (events(use) * rates.measured(use.miners).commitsAnEvent) / 2 + small;
}

/** Pages that are too old to be in memory: what is archived, pruned and looked at again. */
function reads(use: Use): number {
  const { archivePages, prunePages, checkPages } = rates.measured(use.miners);
  const checked = blocks(use) === 0 ? 0 : Math.min(rates.CHECK.blocks * use.miners, rates.CHECK.workerBlocks);
  return blocks(use) * use.miners * (archivePages + prunePages) + HOURS * checked * checkPages;
}

/** Of the queue: one a second, as long as a second's messages fit into ten. */
function events(use: Use): number {
  const { tasks } = use.stage.edge;
  return SECONDS * busy(use) * Math.max(Math.min(1, tasks), (tasks * rates.MESSAGES_A_SECOND) / 10);
}

function functionLines(name: string, memoryMiB: number, use: Use): Line[] {
  const { stage, miners } = use;
  const views = miners * rates.PAGE.partOfMiners * rates.PAGE.calls;
  const minutes = stage.edge.tasks === 0 ? 0 : SECONDS / 60;
  const work = {
    accounting: {
      runs: events(use),
      calls: rates.measured(use.miners).callsAnEvent,
      seconds: rates.measured(use.miners).callsAnEvent * rates.CALL_SECONDS,
    },
    poll: { runs: minutes, ...rates.RUNS.poll },
    alerts: { runs: minutes, ...rates.RUNS.alerts },
    // One run in sixty checks the books.
    janitor: {
      runs: minutes,
      calls: rates.RUNS.janitor.calls + rates.CHECK.calls / 60,
      seconds: rates.RUNS.janitor.seconds + rates.CHECK.seconds / 60,
    },
    // Half of the answers are kept by CloudFront for some seconds.
    api: { runs: views / 2, calls: 2, seconds: 0.1 },
    // A miner logs in once in a day or so.
    auth: { runs: miners * 30, calls: 2, seconds: 0.3 },
    canary: { runs: minutes / rates.CANARY_MINUTES, ...rates.RUNS.canary },
    migrate: { runs: 0, calls: 0, seconds: 0 },
  }[name];
  if (work === undefined)
    throw new CodedError("cost", `the function ${name} has no rates: give it some in infra/aws/cost/bill.ts`);
  return [
    line("calls", "functionCall", work.runs / MILLION),
    line("calls", "functionTime", (work.runs * work.seconds * memoryMiB) / 1024 / MILLION),
    line("calls", "dataApi", (work.runs * work.calls) / MILLION),
    line("watching", "logs", (work.runs * rates.RUN_LOG_BYTES) / GB),
  ];
}
