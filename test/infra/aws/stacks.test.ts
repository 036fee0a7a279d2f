import { readFileSync } from "node:fs";
import type { Template } from "aws-cdk-lib/assertions";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { optionsOf } from "../../../functions/api/options.ts";
import { ENVIRONMENTS, type FunctionName, readEnvironment } from "../../../functions/environment.ts";
import { METRIC_NAMES } from "../../../functions/lambda-logger.ts";
import { anchorOf } from "../../../infra/aws/runbook-alarm.ts";
import { checkPages, completeStage, readContext } from "../../../infra/aws/stage-context.ts";
import { type PriceSettings, STAGES, STRATUM_PORT, STRATUM_TLS_PORT } from "../../../infra/aws/stages.ts";
import { EDGE_METRICS } from "../../../infra/pool/edge-report.ts";
import {
  allOf,
  CONTEXT,
  type Resource,
  resourcesOf,
  type StageTemplates,
  synthesise,
  synthesiseLocal,
  VERSION,
} from "../../support/aws/stage-templates.ts";

const stages: Record<"dev" | "prod", StageTemplates> = Object.create(null);
let local: Template;

beforeAll(() => {
  stages.dev = synthesise("dev");
  stages.prod = synthesise("prod");
  local = synthesiseLocal();
});

describe.each(["dev", "prod"] as const)("the stacks of %s", (name) => {
  it("run every function on Node 24 for arm64, each with a role of its own", () => {
    const functions = allOf(stages[name], "AWS::Lambda::Function").map(([, { Properties }]) => Properties);
    expect(new Set(functions.map((fn) => fn.FunctionName))).toEqual(
      new Set(
        ["accounting", "alerts", "api", "auth", "janitor", "migrate", "poll"].map(
          (fn) => `prosper-${name}-${fn}`,
        ),
      ),
    );
    expect(functions).toHaveLength(7);
    for (const fn of functions) {
      expect(fn).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], Handler: "index.handler" });
    }
    expect(new Set(functions.map((fn) => JSON.stringify(fn.Role))).size).toBe(7);
  });

  it("tell every function what its schema wants", () => {
    const functions = resourcesOf(stages[name].control, "AWS::Lambda::Function");
    for (const [, { Properties }] of functions) {
      const fn: string = Properties.FunctionName.replace(`prosper-${name}-`, "");
      const known = Object.keys(ENVIRONMENTS).find((other): other is FunctionName => other === fn);
      expect(known, fn).toBeDefined();
      const variables = Object.fromEntries(
        Object.entries(Properties.Environment.Variables).map(([key, value]) => [
          key,
          typeof value === "string" ? value : joined(value),
        ]),
      );
      const parsed = v.safeParse(ENVIRONMENTS[known ?? "api"], variables);
      expect(parsed.issues, `${fn}: ${JSON.stringify(variables)}`).toBeUndefined();
    }
    const api = functions.find(([, { Properties }]) => Properties.FunctionName.endsWith("-api"))?.[1];
    expect(api?.Properties.Environment.Variables.VERSION).toBe(VERSION);
  });

  it("feed accounting message by message, without a filter that would delete what it leaves out", () => {
    const [[, feed] = missing()] = allOf(stages[name], "AWS::Lambda::EventSourceMapping");
    expect(feed.Properties).toMatchObject({
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 4 },
      BatchSize: 10,
    });
    expect(feed.Properties.FilterCriteria).toBeUndefined();
  });

  it("hide a message six times as long as accounting may take, and keep what fails", () => {
    const queues = allOf(stages[name], "AWS::SQS::Queue");
    expect(queues).toHaveLength(2);
    const [work, dead] = ["summaries", "summaries-dead-letters"].map(
      (queue) =>
        queues.find(([, { Properties }]) => Properties.QueueName === `prosper-${name}-${queue}`)?.[1],
    );
    expect(work?.Properties).toMatchObject({
      VisibilityTimeout: 180,
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
      // An outage of an hour is 20 receives. What can never be applied, the function sets aside itself.
      RedrivePolicy: { maxReceiveCount: 1000 },
    });
    expect(dead?.Properties).toMatchObject({ MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true });
    const accounting = allOf(stages[name], "AWS::Lambda::Function").find(([, { Properties }]) =>
      Properties.FunctionName.endsWith("accounting"),
    )?.[1];
    expect(work?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * accounting?.Properties.Timeout);
    const environment = accounting?.Properties.Environment.Variables;
    expect(JSON.stringify(environment.DEAD_LETTERS_URL)).toContain("DeadLetters");
    const [[, oldest] = missing()] = alarmsOf(name).filter(([, { Properties }]) =>
      Properties.AlarmName.endsWith("summaries-oldest-message"),
    );
    // One retry is nothing to look at.
    expect(oldest.Properties.Threshold).toBeGreaterThan(work?.Properties.VisibilityTimeout);
    const policies = allOf(stages[name], "AWS::SQS::QueuePolicy");
    expect(policies).toHaveLength(2);
    for (const [, { Properties }] of policies) {
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      );
    }
  });

  it("allow no action on everything, but for the registry's login and a key's own policy", () => {
    const wild = statementsOf(stages[name]).filter(({ Resource, Action }) =>
      [Resource, Action].flat().some((item) => typeof item === "string" && item.includes("*")),
    );
    // The roles that start an edge and a replay.
    expect(wild.map(({ Action }) => Action)).toEqual([
      "ecr:GetAuthorizationToken",
      "ecr:GetAuthorizationToken",
    ]);
  });

  it("give each function the database's role of its own work, and only the owner's may read other secrets", () => {
    const { Resources } = stages[name].control.toJSON();
    const functions = Object.values<Resource>(Resources).filter(
      ({ Type }) => Type === "AWS::Lambda::Function",
    );
    const secretOf = new Map(
      functions.map(({ Properties }) => [
        Properties.FunctionName.split("-").at(-1),
        JSON.stringify(Properties.Environment.Variables.DATABASE_SECRET_ARN),
      ]),
    );
    const grants = allOf(stages[name], "AWS::IAM::Policy").flatMap(([id, { Properties }]) =>
      Properties.PolicyDocument.Statement.filter(
        ({ Action }: { Action: unknown }) => Action === "secretsmanager:GetSecretValue",
      ).map(({ Resource: resource }: { Resource: unknown }) => [id, [resource].flat()] as const),
    );

    for (const [fn, role] of [
      ["accounting", "accounting"],
      ["janitor", "accounting"],
      ["auth", "auth"],
      ["api", "api"],
      ["poll", "poll"],
      ["alerts", "alerts"],
    ] as const) {
      expect(secretOf.get(fn), fn).toMatch(new RegExp(`${role}Secret`));
      const own = grants.filter(([id]) => id.toLowerCase().startsWith(`${fn}role`));
      expect(own.map(([, resources]) => resources.map((item: unknown) => JSON.stringify(item)))).toEqual([
        [secretOf.get(fn)],
      ]);
    }
    expect(grants.find(([id]) => /^MigrateRole/.test(id))?.[1]).toHaveLength(8);
    const edge = stages[name].edge.toJSON();
    const task = Object.values<Resource>(edge["Resources"]).find(
      ({ Type }) => Type === "AWS::ECS::TaskDefinition",
    );
    expect(JSON.stringify(task?.Properties.ContainerDefinitions[0].Secrets)).toMatch(/edgeSecret/);
  });

  it("let each role do its own work only", () => {
    const actions = (id: RegExp): string[] =>
      allOf(stages[name], "AWS::IAM::Policy")
        .filter(([policyId]) => id.test(policyId))
        .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
        .flatMap(({ Action }) => Action)
        .sort();
    const log = ["logs:CreateLogStream", "logs:PutLogEvents"];
    const database = [
      "rds-data:BatchExecuteStatement",
      "rds-data:BeginTransaction",
      "rds-data:CommitTransaction",
      "rds-data:ExecuteStatement",
      "rds-data:RollbackTransaction",
      "secretsmanager:GetSecretValue",
    ];
    for (const fn of ["Alerts", "Auth", "Poll", "Migrate"])
      expect(actions(new RegExp(`^${fn}Role`)), fn).toEqual([...log, ...database]);
    // It writes the archive and reads it back; nobody may delete there.
    const archive = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"];
    // The key of receipts, where it signs roots.
    const secret = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];
    expect(actions(/^JanitorRole/)).toEqual(
      [...log, ...database, ...archive, "rds:DescribeDBClusters", ...(name === "dev" ? secret : [])].sort(
        byText,
      ),
    );
    expect(actions(/^AccountingRole/)).toEqual(
      [
        ...log,
        ...database,
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        ...["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"],
      ].sort(byText),
    );
    expect(actions(/^ApiRole/)).toEqual([...log, ...database, ...secret, ...secret].sort(byText));
    expect(actions(/^TaskTaskRole/)).toEqual([
      "lambda:InvokeFunction",
      // The database's password again, and a renewed certificate.
      ...(name === "prod" ? [...secret, ...secret].sort(byText) : secret),
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:SendMessage",
    ]);
    // The archive is for the replay alone: no edge may read it.
    expect(actions(/^ReplayTaskRole/)).toEqual(["s3:GetObject", "s3:ListBucket"]);
    const start = [
      ...["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"],
      "ecr:GetDownloadUrlForLayer",
      ...log,
      ...secret,
    ];
    // Of secrets only the database's: neither the key that pays for entries nor a certificate.
    expect(actions(/^ReplayExecutionRole/)).toEqual(start);
  });

  it("open nothing to the world but the stratum ports", () => {
    const open = allOf(stages[name], "AWS::EC2::SecurityGroup")
      .flatMap(([, { Properties }]) => Properties.SecurityGroupIngress ?? [])
      .filter((rule: { CidrIp?: string; CidrIpv6?: string }) => rule.CidrIp ?? rule.CidrIpv6);
    expect(open.map((rule: { FromPort: number; ToPort: number }) => [rule.FromPort, rule.ToPort])).toEqual(
      (name === "prod" ? [STRATUM_PORT, STRATUM_TLS_PORT] : [STRATUM_PORT]).map((port) => [port, port]),
    );
    for (const [, { Properties }] of allOf(stages[name], "AWS::EC2::SecurityGroupIngress"))
      expect(Properties.CidrIp ?? Properties.CidrIpv6).toBeUndefined();
    expect(allOf(stages[name], "AWS::EC2::NatGateway")).toEqual([]);
  });

  it("replace edges without cutting miners: drain, grace, and the miner's own address", () => {
    const listeners = allOf(stages[name], "AWS::ElasticLoadBalancingV2::Listener");
    const ports = name === "prod" ? [STRATUM_PORT, STRATUM_TLS_PORT] : [STRATUM_PORT];
    expect(listeners.map(([, { Properties }]) => [Properties.Port, Properties.Protocol])).toEqual(
      ports.map((port) => [port, "TCP"]),
    );
    for (const [, { Properties }] of listeners) {
      expect(Properties.ListenerAttributes).toEqual([{ Key: "tcp.idle_timeout.seconds", Value: "1200" }]);
    }
    const targets = allOf(stages[name], "AWS::ElasticLoadBalancingV2::TargetGroup");
    expect(targets).toHaveLength(ports.length);
    for (const [, { Properties }] of targets) {
      const attributes = Object.fromEntries(
        Properties.TargetGroupAttributes.map(({ Key, Value }: { Key: string; Value: string }) => [
          Key,
          Value,
        ]),
      );
      expect(attributes).toEqual({
        "proxy_protocol_v2.enabled": "true",
        "preserve_client_ip.enabled": "false",
        "deregistration_delay.timeout_seconds": "150",
        "deregistration_delay.connection_termination.enabled": "false",
        "target_health_state.unhealthy.connection_termination.enabled": "false",
        "target_health_state.unhealthy.draining_interval_seconds": "60",
      });
    }
    const [[, service] = missing()] = allOf(stages[name], "AWS::ECS::Service");
    expect(service.Properties).toMatchObject({
      LaunchType: "FARGATE",
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
    });
  });

  it("replace an edge for what a restart would mend only: liveness, and whether its ports are open", () => {
    const [[, task] = missing()] = allOf(stages[name], "AWS::ECS::TaskDefinition");
    const [edge] = task.Properties.ContainerDefinitions;
    expect(edge.HealthCheck.Command).toEqual(["CMD", "node", "/app/edge/image/health.ts", "7070", "/livez"]);
    expect(edge.PortMappings).toContainEqual({ ContainerPort: 7070, Protocol: "tcp" });
    const targets = allOf(stages[name], "AWS::ElasticLoadBalancingV2::TargetGroup");
    for (const [, { Properties }] of targets)
      expect(Properties).toMatchObject({
        HealthCheckProtocol: "HTTP",
        HealthCheckPath: "/readyz",
        HealthCheckPort: "7070",
      });
    const config = edge.Environment.find(({ Name }: { Name: string }) => Name === "PROSPER_CONFIG").Value;
    expect(config).toMatch(/\[web\]\nhost = "0.0.0.0"\nport = 7070/);
    // The balancer asks; nobody on the internet can.
    const reached = allOf(stages[name], "AWS::EC2::SecurityGroupIngress").filter(
      ([, { Properties }]) => Properties.FromPort === 7070,
    );
    expect(reached.length).toBeGreaterThan(0);
    for (const [, { Properties }] of reached) expect(Properties.SourceSecurityGroupId).toBeDefined();
  });

  it("run an edge on arm64 as nobody in particular, on a root it cannot write, with two minutes to stop", () => {
    const [[, task] = missing()] = allOf(stages[name], "AWS::ECS::TaskDefinition");
    expect(task.Properties.RuntimePlatform.CpuArchitecture).toBe("ARM64");
    const [edge] = task.Properties.ContainerDefinitions;
    expect(edge).toMatchObject({
      StopTimeout: 120,
      ReadonlyRootFilesystem: true,
      User: "10001:10001",
      MountPoints: [{ ContainerPath: "/data", ReadOnly: false }],
    });
    const secrets = edge.Secrets.map(({ Name }: { Name: string }) => Name);
    expect(secrets).toContain("PROSPER_ES_ADDRESS");
    const plain = JSON.stringify(edge.Environment);
    expect(edge.Environment).toContainEqual({ Name: "DATABASE_SSLMODE", Value: "verify-full" });
    for (const secret of secrets) expect(plain).not.toContain(`"${secret}"`);
  });

  it("keep no log for ever", () => {
    const groups = allOf(stages[name], "AWS::Logs::LogGroup");
    expect(groups.length).toBeGreaterThanOrEqual(9);
    for (const [id, { Properties }] of groups) expect(Properties.RetentionInDays, id).toBeGreaterThan(0);
  });

  it("name a heading of the runbook in every alarm", () => {
    const runbook = readFileSync(new URL("../../../docs/runbook.md", import.meta.url), "utf8");
    const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    const alarms = allOf(stages[name], "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThanOrEqual(16);
    for (const [id, { Properties }] of alarms) {
      const anchor = /docs\/runbook\.md#(\S+)$/.exec(Properties.AlarmDescription)?.[1];
      expect(anchors, id).toContain(anchor);
      expect(Properties.AlarmName).toMatch(new RegExp(`^prosper-${name}-`));
    }
    const names = alarms.map(([, { Properties }]) => Properties.AlarmName);
    expect(new Set(names).size).toBe(names.length);
  });

  it("ring an alarm for every heading of the runbook's first part", () => {
    const runbook = readFileSync(new URL("../../../docs/runbook.md", import.meta.url), "utf8");
    const [, alarmed = ""] = runbook.split(/^# .+$/m);
    const headings = [...alarmed.matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    const rung = allOf(stages[name], "AWS::CloudWatch::Alarm").map(([, { Properties }]) =>
      Properties.AlarmDescription.split("#").at(-1),
    );
    // Only a stage with TLS has a certificate that ends; these have no canary.
    const expected = headings.filter(
      (heading) =>
        heading !== "the-canary-does-not-get-through" &&
        (name === "prod" || heading !== "the-certificate-ends"),
    );
    expect(new Set(rung)).toEqual(new Set(expected));
  });

  it("count what an edge logs as an error", () => {
    const [[, filter] = missing()] = resourcesOf(stages[name].edge, "AWS::Logs::MetricFilter");
    expect(filter.Properties).toMatchObject({
      FilterPattern: "{ $.level >= 50 }",
      MetricTransformations: [{ MetricNamespace: "Prosper", MetricName: `EdgeErrors-${name}` }],
    });
    const rings = allOf(stages[name], "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.MetricName === `EdgeErrors-${name}`,
    );
    expect(rings).toHaveLength(1);
  });

  it("count what a function logs as an error, of every function, and ring for throttles of each", () => {
    const filters = resourcesOf(stages[name].observe, "AWS::Logs::MetricFilter");
    const functions = resourcesOf(stages[name].control, "AWS::Lambda::Function");
    expect(filters).toHaveLength(functions.length);
    for (const [, { Properties }] of filters)
      expect(Properties).toMatchObject({
        FilterPattern: '{ $.level = "error" }',
        MetricTransformations: [{ MetricNamespace: "Prosper", MetricName: `FunctionErrors-${name}` }],
      });
    expect(
      alarmsOf(name).filter(([, { Properties }]) => Properties.MetricName === `FunctionErrors-${name}`),
    ).toHaveLength(1);
    const throttles = alarmsOf(name).filter(([, { Properties }]) => Properties.MetricName === "Throttles");
    expect(throttles).toHaveLength(functions.length);
  });

  it("ring where a heartbeat stops: no data is as bad as bad data", () => {
    const beats = alarmsOf(name).filter(([, { Properties }]) => Properties.TreatMissingData === "breaching");
    expect(beats.map(([, { Properties }]) => Properties.MetricName).sort(byText)).toEqual(
      [
        ...[
          "AlertRuns",
          "ArchiveOverdueSeconds",
          "BlocksWithRecord",
          "BooksProvedAgeSeconds",
          "EntryCreditDays",
          "Following",
          "JanitorRuns",
          "Polled",
          "ReceiptsSigned",
          "RestorableAgeSeconds",
        ],
        ...(name === "prod" ? ["CertificateDays"] : []),
        "RunningTaskCount",
      ].sort(byText),
    );
    const counted = new Set<string>([...METRIC_NAMES, ...Object.keys(EDGE_METRICS)]);
    const own = alarmsOf(name).filter(
      ([, { Properties }]) => Properties.Namespace === "Prosper" && !/Errors-/.test(Properties.MetricName),
    );
    for (const [id, { Properties }] of own) expect(counted, id).toContain(Properties.MetricName);
    const edges = allOf(stages[name], "AWS::ECS::TaskDefinition")[0]?.[1].Properties.ContainerDefinitions[0]
      .Environment;
    expect(JSON.stringify(edges)).toContain(`stage = \\"${name}\\"`);
  });

  it("ring where an edge turned miners away because it was full, and where all are nearly full", () => {
    const full = alarmsOf(name).filter(([, { Properties }]) =>
      Properties.AlarmDescription.endsWith("#edges-are-full"),
    );
    expect(full.map(([, { Properties }]) => Properties.MetricName).sort(byText)).toEqual([
      "ActiveFlowCount",
      "PortAllocationErrorCount",
      "TurnedAwayFull",
    ]);
  });

  it("show on the dashboard what the edges publish", () => {
    const [[, dashboard] = missing()] = resourcesOf(stages[name].observe, "AWS::CloudWatch::Dashboard");
    const body = JSON.stringify(dashboard.Properties.DashboardBody);
    for (const metric of Object.keys(EDGE_METRICS).filter((one) => one !== "Miners"))
      expect(body, metric).toContain(`\\"${metric}\\"`);
    expect(body).toContain("SharesRefusedBy");
  });

  it("have schedules and a migration that Lambda itself does not try again", () => {
    const retries = resourcesOf(stages[name].control, "AWS::Lambda::EventInvokeConfig");
    expect(
      retries.map(([id, { Properties }]) => [
        id.replace(/Retries.*/, ""),
        Properties.MaximumRetryAttempts,
        Properties.MaximumEventAgeInSeconds,
      ]),
    ).toEqual([
      ["Migrate", 0, 900],
      ["Poll", 0, 60],
      ["Janitor", 0, 60],
      ["Alerts", 0, 60],
      ["Receipts", 0, 60],
    ]);
  });

  it("have a task that makes the books a second time, by roles of its own and without a time limit", () => {
    const tasks = resourcesOf(stages[name].edge, "AWS::ECS::TaskDefinition").map(
      ([, found]) => found.Properties,
    );
    const [edge, replay] = ["edge", "replay"].map((what) =>
      tasks.find(({ Family }) => Family === `prosper-${name}-${what}`),
    );
    const roles = [edge, replay].flatMap((task) => [task?.TaskRoleArn, task?.ExecutionRoleArn]);
    expect(new Set(roles.map((role) => JSON.stringify(role))).size).toBe(4);
    const [container] = replay?.ContainerDefinitions ?? [];
    expect(container).toMatchObject({
      Command: ["audit", "--replay"],
      Environment: expect.arrayContaining([
        { Name: "DATABASE_SSLMODE", Value: "verify-full" },
        { Name: "PROSPER_ARCHIVE", Value: expect.anything() },
      ]),
      ...{ ReadonlyRootFilesystem: true, User: "10001:10001" },
    });
    // Nobody restarts what answers no question about its health.
    expect(container.HealthCheck).toBeUndefined();
    for (const { ValueFrom } of container.Secrets) expect(JSON.stringify(ValueFrom)).toMatch(/edgeSecret/);
    expect(container.Secrets.map(({ Name }: { Name: string }) => Name)).not.toContain("PROSPER_ES_ADDRESS");
  });

  it("mail every alarm of the stage by its name's prefix", () => {
    const [[, rule] = missing()] = resourcesOf(stages[name].observe, "AWS::Events::Rule");
    expect(rule.Properties.EventPattern.detail.alarmName).toEqual([{ prefix: `prosper-${name}-` }]);
    const [[, mail] = missing()] = resourcesOf(stages[name].observe, "AWS::SNS::Subscription");
    expect(mail.Properties).toMatchObject({ Protocol: "email", Endpoint: "operator@example.org" });
  });

  it("hold no secret, only references to one", () => {
    const control = resourcesOf(stages[name].control, "AWS::Lambda::Function");
    // A variable would be readable by whoever may list functions.
    expect(JSON.stringify(control.map(([, { Properties }]) => Properties.Environment))).not.toContain(
      "{{resolve",
    );
    const named = control.flatMap(
      ([, { Properties }]) => Properties.Environment.Variables.ORIGIN_SECRET_NAME ?? [],
    );
    expect(named).toEqual([`prosper/${name}/origin`]);
    const [[, distribution] = missing()] = resourcesOf(stages[name].web, "AWS::CloudFront::Distribution");
    expect(distribution.Properties.DistributionConfig.Origins[0].OriginCustomHeaders).toEqual([
      {
        HeaderName: "x-origin-secret",
        HeaderValue: `{{resolve:secretsmanager:prosper/${name}/origin:SecretString:::}}`,
      },
    ]);
    const text = JSON.stringify(Object.values(stages[name]).map((template) => template.toJSON()));
    expect(text).not.toMatch(/\b[EF]s[1-3][A-Za-z0-9]{49}\b/);
    expect(text).not.toContain("BEGIN PRIVATE KEY");
  });
});

/** A value of a template as a function would be told it, each reference by that word. */
function joined(value: unknown): string {
  const parsed = v.safeParse(v.object({ "Fn::Join": v.tuple([v.string(), v.array(v.unknown())]) }), value);
  const [separator, parts] = parsed.success ? parsed.output["Fn::Join"] : ["", [value]];
  return parts.map((part) => (typeof part === "string" ? part : "reference")).join(separator);
}

describe("the prices of a stage", () => {
  const prices: PriceSettings = {
    ...STAGES.dev.prices,
    priorities: { fixedusd: 0, coincap: 1, kraken: 2, coinbase: 3 },
    single: ["*"],
    limits: { coin: { median: 10, block: 30 } },
    hasKeys: true,
  };

  it("reach the function as they stand in the stage, and keys by the name of their secret, which it alone may read", () => {
    const { control } = synthesise("dev", {}, { prices });
    const poll = resourcesOf(control, "AWS::Lambda::Function").find(
      ([, { Properties }]) => Properties.FunctionName === "prosper-dev-poll",
    );
    const variables = poll?.[1].Properties.Environment.Variables;
    const { PRICES, STALE_SECONDS, PRICE_KEYS_SECRET } = readEnvironment("poll", {
      ...variables,
      ...{ DATABASE_CLUSTER_ARN: "arn", DATABASE_SECRET_ARN: "arn", DATABASE_NAME: "prosper" },
    });
    const { hasKeys: _, staleSeconds, ...said } = prices;
    expect(PRICES).toEqual(said);
    expect(STALE_SECONDS).toBe(staleSeconds);
    expect(PRICE_KEYS_SECRET).toBe("prosper/dev/prices");

    const readers = resourcesOf(control, "AWS::IAM::Policy").filter(([, { Properties }]) =>
      JSON.stringify(Properties.PolicyDocument).includes("secret:prosper/dev/prices-??????"),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^PollRole/)]);
    expect(JSON.stringify(stages.dev.control.toJSON())).not.toContain("prosper/dev/prices");
  });
});

describe("roots on the chain", () => {
  const parts = (templates: StageTemplates) => {
    const [[, task] = missing()] = allOf(templates, "AWS::ECS::TaskDefinition");
    const variables = resourcesOf(templates.control, "AWS::Lambda::Function").find(([, { Properties }]) =>
      Properties.FunctionName.endsWith("-janitor"),
    )?.[1].Properties.Environment.Variables;
    const readers = resourcesOf(templates.control, "AWS::IAM::Policy").filter(([, { Properties }]) =>
      /secret:prosper\/\w+\/receipts-/.test(JSON.stringify(Properties.PolicyDocument)),
    );
    return {
      edge: /\[roots\]\npublish = "(\w+)"/.exec(
        task.Properties.ContainerDefinitions[0].Environment.find(
          ({ Name }: { Name: string }) => Name === "PROSPER_CONFIG",
        ).Value,
      )?.[1],
      janitor: [variables.ROOTS_BATCH, variables.RECEIPT_SECRET_NAME],
      readers: readers.map(([id]) => id.replace(/Role.*/, "")),
    };
  };

  it("are signed by the janitor and sent by edges where entry credits are worth nothing, or where it is asked for", () => {
    const on = { edge: "on", readers: ["Api", "Janitor"] };
    expect(parts(stages.dev)).toEqual({ ...on, janitor: ["1", "prosper/dev/receipts"] });
    expect(parts(synthesise("prod", { roots: "on" }))).toEqual({
      ...on,
      janitor: ["1", "prosper/prod/receipts"],
    });
  });

  it("are neither on the real network, and then nobody but the api has the key", () => {
    const off = { edge: "off", janitor: ["0", ""], readers: ["Api"] };
    expect(parts(stages.prod)).toEqual(off);
    expect(parts(synthesise("dev", { roots: "off" }))).toEqual(off);
  });
});

describe("users' alerts", () => {
  const variablesOf = (template: Template, fn: string) =>
    resourcesOf(template, "AWS::Lambda::Function").find(([, { Properties }]) =>
      Properties.FunctionName.endsWith(`-${fn}`),
    )?.[1].Properties;

  it("are delivered in no network of the pool's, to the internet alone, with time for what was begun", () => {
    for (const name of ["dev", "prod"] as const) {
      const alerts = variablesOf(stages[name].control, "alerts");
      expect(alerts.VpcConfig).toBeUndefined();
      expect(alerts.Environment.Variables.ALLOW_PRIVATE).toBe("no");
      // It begins nothing after 20 s, what it has begun may take 15 s, and the next run comes a minute later.
      expect(alerts.Timeout).toBe(50);
    }
    expect(variablesOf(local, "alerts").Environment.Variables.ALLOW_PRIVATE).toBe("yes");
  });

  it("go by e-mail too where the stage has a sender: its mail server is in a secret that one function may read", () => {
    const { control } = synthesise("prod", { mailFrom: "pool@example.org" });
    expect(variablesOf(control, "alerts").Environment.Variables).toMatchObject({
      ...{ MAIL_FROM: "pool@example.org", MAIL_SECRET_NAME: "prosper/prod/mail" },
    });
    expect(variablesOf(control, "api").Environment.Variables.HAS_MAIL).toBe("yes");
    const readers = resourcesOf(control, "AWS::IAM::Policy").filter(([, { Properties }]) =>
      JSON.stringify(Properties.PolicyDocument).includes("secret:prosper/prod/mail-??????"),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^AlertsRole/)]);

    expect(variablesOf(stages.prod.control, "api").Environment.Variables.HAS_MAIL).toBe("no");
    expect(JSON.stringify(stages.prod.control.toJSON())).not.toContain("prosper/prod/mail");
  });
});

describe("what the pages of a stage are told", () => {
  const SITE = "https://stats.example.org";
  const web = { corsOrigins: [SITE, "https://other.example"], explorer: "https://explorer.example/{hash}" };
  const apiOf = (templates: StageTemplates) => {
    const [, api] =
      resourcesOf(templates.control, "AWS::Lambda::Function").find(([, { Properties }]) =>
        Properties.FunctionName.endsWith("-api"),
      ) ?? missing();
    const named = Object.entries<unknown>(api.Properties.Environment.Variables).map(([key, value]) => [
      key,
      typeof value === "string" ? value : "reference",
    ]);
    return optionsOf(readEnvironment("api", Object.fromEntries(named)));
  };
  const publicBehaviours = ({ web: stack }: StageTemplates) => {
    const [[, distribution] = missing()] = resourcesOf(stack, "AWS::CloudFront::Distribution");
    const [[id, policy] = missing()] = resourcesOf(stack, "AWS::CloudFront::CachePolicy");
    const { CacheBehaviors, DefaultCacheBehavior } = distribution.Properties.DistributionConfig;
    const kept = CacheBehaviors.filter(({ CachePolicyId }: { CachePolicyId: unknown }) =>
      JSON.stringify(CachePolicyId).includes(id),
    );
    const key = policy.Properties.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin;
    return { kept, key, rest: DefaultCacheBehavior };
  };

  it("is where an entry can be looked at, the least payout, and who may read the API, also beside a domain of one's own", () => {
    const changed = synthesise("small", {}, { web, pool: { ...STAGES.small.pool, payoutMinimum: "1.5" } });
    expect(apiOf(changed)).toMatchObject({ ...web, payoutMinimum: 150_000_000n });
    const plain = apiOf(synthesise("small"));
    expect(plain).toMatchObject({ corsOrigins: [], explorer: "" });
    expect(plain.payoutMinimum).toBeUndefined();
    const domain = {
      name: "pool.example.org",
      certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1",
    };
    const named = completeStage(
      { ...STAGES.small, web },
      { ...CONTEXT, domain: domain.name, certificateArn: domain.certificateArn },
    );
    expect(named.web).toEqual({ ...web, domain });
  });

  it("lets CloudFront keep an answer for each site apart, and pass a browser's question on, where sites are named", () => {
    const { kept, key, rest } = publicBehaviours(synthesise("small", {}, { web }));
    expect(key.HeadersConfig.Headers).toEqual(["x-viewer-host", "Origin"]);
    expect(key.CookiesConfig.CookieBehavior).toBe("none");
    expect(kept.length).toBeGreaterThanOrEqual(6);
    for (const { AllowedMethods } of kept)
      expect(new Set(AllowedMethods)).toEqual(new Set(["GET", "HEAD", "OPTIONS"]));
    // A token's own figures: nothing is kept, and every header but the host's comes through.
    expect(rest.AllowedMethods).toContain("OPTIONS");
    expect(rest.CachePolicyId).toBe("4135ea2d-6df8-44a3-9df3-4b5a84be39ad");
    expect(rest.OriginRequestPolicyId).toBe("b689b0a8-53d0-40ab-baf2-68738e2966ac");
  });

  it("keeps one answer for all where no site is named", () => {
    const { kept, key } = publicBehaviours(synthesise("small"));
    expect(key.HeadersConfig.Headers).toEqual(["x-viewer-host"]);
    for (const { AllowedMethods } of kept) expect(new Set(AllowedMethods)).toEqual(new Set(["GET", "HEAD"]));
  });

  it.each([
    ["web.corsOrigins", { web: { corsOrigins: ["stats.example.org"] } }],
    ["web.explorer", { web: { explorer: "https://explorer.example/" } }],
    ["pool.payoutMinimum", { pool: { ...STAGES.small.pool, payoutMinimum: "one" } }],
  ])("is refused at synth where %s is none", (setting, change) => {
    expect(() => checkPages({ ...STAGES.small, ...change })).toThrow(
      `stage small: ${setting} of infra/aws/stages.ts: expected`,
    );
  });
});

describe("the canary of a stage", () => {
  const canaryOf = (templates: StageTemplates) =>
    resourcesOf(templates.control, "AWS::Lambda::Function").find(([, { Properties }]) =>
      Properties.FunctionName.endsWith("-canary"),
    )?.[1].Properties;
  const rung = (templates: StageTemplates) =>
    allOf(templates, "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.MetricName === "CanaryThrough",
    );

  it("is there where an account is named for it, and nowhere else", () => {
    expect([canaryOf(stages.dev), canaryOf(stages.prod)]).toEqual([undefined, undefined]);
    expect([...rung(stages.dev), ...rung(stages.prod)]).toEqual([]);
    expect(synthesise("small", {}, { canaryUser: "ops" }).control.toJSON()).toEqual(
      synthesise("small", { canaryUser: "ops" }).control.toJSON(),
    );
  });

  it.each([
    ["prod", `${STRATUM_TLS_PORT}`, "true"],
    ["dev", `${STRATUM_PORT}`, "false"],
  ] as const)(
    "of %s comes in by the address that miners are shown, from outside of the network",
    (name, port, tls) => {
      const canary = canaryOf(synthesise(name, { canaryUser: "ops" }));
      expect(canary?.Environment.Variables).toMatchObject({
        ...{ CANARY_USER: "ops", STRATUM_HOST: "mine.example.org", STRATUM_PORT: port, STRATUM_TLS: tls },
        // References, and no more than that: the template names no secret's value.
        ...{ DATABASE_SECRET_ARN: expect.any(Object), DATABASE_CLUSTER_ARN: expect.any(Object) },
      });
      expect(canary?.VpcConfig).toBeUndefined();
    },
  );

  it("looks every five minutes by a role of its own, and rings when two looks in a row fail or were none", () => {
    const templates = synthesise("dev", { canaryUser: "ops" });
    const [[, rule] = missing()] = resourcesOf(templates.control, "AWS::Events::Rule").filter(([id]) =>
      id.startsWith("CanarySchedule"),
    );
    expect(rule.Properties).toMatchObject({ ScheduleExpression: "rate(5 minutes)", State: "ENABLED" });
    const secret = JSON.stringify(canaryOf(templates)?.Environment.Variables.DATABASE_SECRET_ARN);
    expect(secret).toMatch(/canarySecret/);
    const own = resourcesOf(templates.control, "AWS::IAM::Policy").filter(([id]) => /^CanaryRole/.test(id));
    const statements = own.flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
    expect(
      statements
        .filter(({ Action }) => Action === "secretsmanager:GetSecretValue")
        .map((one) => one.Resource),
    ).toEqual([JSON.parse(secret)]);
    expect(rung(templates).map(([, { Properties }]) => Properties)).toEqual([
      expect.objectContaining({
        ...{ Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 2, Threshold: 0 },
        ...{ ComparisonOperator: "LessThanOrEqualToThreshold", TreatMissingData: "breaching" },
        AlarmDescription: expect.stringContaining("#the-canary-does-not-get-through"),
      }),
    ]);
    const off = synthesise("dev", { canaryUser: "ops", tasks: 0 });
    expect(rung(off)).toEqual([]);
    expect(
      resourcesOf(off.control, "AWS::Events::Rule").map(([, { Properties }]) => Properties.State),
    ).toEqual(["DISABLED", "DISABLED", "DISABLED", "DISABLED", "DISABLED"]);
  });

  it("is refused as an account that no name can be", () => {
    expect(() => readContext((key) => (key === "canaryUser" ? "two words" : undefined))).toThrow(
      /^context canaryUser: /,
    );
  });
});

describe("the stages", () => {
  it("keep and protect prod's books, in two zones", () => {
    const [[, cluster] = missing()] = allOf(stages.prod, "AWS::RDS::DBCluster");
    expect(cluster.DeletionPolicy).toBe("Retain");
    expect(cluster.Properties).toMatchObject({
      DeletionProtection: true,
      EnableHttpEndpoint: true,
      StorageEncrypted: true,
      BackupRetentionPeriod: 35,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 16 },
    });
    expect(allOf(stages.prod, "AWS::RDS::DBInstance")).toHaveLength(2);
    const zones = allOf(stages.prod, "AWS::EC2::Subnet").map(([, { Properties }]) =>
      JSON.stringify(Properties.AvailabilityZone),
    );
    expect(new Set(zones).size).toBe(2);
  });

  it("let dev's database sleep and go with its stacks", () => {
    const [[, cluster] = missing()] = allOf(stages.dev, "AWS::RDS::DBCluster");
    expect(cluster.DeletionPolicy).toBe("Delete");
    expect(cluster.Properties.ServerlessV2ScalingConfiguration).toEqual({
      MinCapacity: 0,
      MaxCapacity: 2,
      SecondsUntilAutoPause: 300,
    });
    expect(allOf(stages.dev, "AWS::RDS::DBInstance")).toHaveLength(1);
  });

  it.each([
    ["try", "as it is", {}],
    ["dev", "as it is", {}],
    ["prod", "without its protection", { isProtected: false }],
  ] as const)("leave nothing of %s behind, %s, when its stacks are destroyed", (name, _, changes) => {
    const kept = Object.values(synthesise(name, {}, changes)).flatMap((template) =>
      Object.entries<Resource>(template.toJSON()["Resources"]).filter(([, { DeletionPolicy }]) =>
        /^(?:Retain|Snapshot)/.test(DeletionPolicy ?? ""),
      ),
    );
    expect(kept.map(([id]) => id)).toEqual([]);
  });

  it("stop the schedules with the edges, for they would keep the database awake", () => {
    const off = synthesise("dev", { tasks: 0 });
    const states = (template: StageTemplates): unknown[] =>
      resourcesOf(template.control, "AWS::Events::Rule").map(([, { Properties }]) => Properties.State);
    expect(states(off)).toEqual(["DISABLED", "DISABLED", "DISABLED", "DISABLED"]);
    expect(states(stages.dev)).toEqual(["ENABLED", "ENABLED", "ENABLED", "ENABLED"]);
    // Nothing beats, so nothing may be missed.
    const missed = allOf(off, "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.TreatMissingData === "breaching",
    );
    expect(missed).toEqual([]);
    const [[, service] = missing()] = allOf(off, "AWS::ECS::Service");
    expect(service.Properties.DesiredCount).toBe(0);
  });

  it("scale prod's edges by what fills them, and leave dev's alone", () => {
    const [[, target] = missing()] = allOf(stages.prod, "AWS::ApplicationAutoScaling::ScalableTarget");
    expect(target.Properties).toMatchObject({ MinCapacity: 2, MaxCapacity: 12 });
    const policies = allOf(stages.prod, "AWS::ApplicationAutoScaling::ScalingPolicy").map(
      ([, { Properties }]) => Properties.TargetTrackingScalingPolicyConfiguration,
    );
    expect(policies).toHaveLength(2);
    expect(policies).toContainEqual(
      expect.objectContaining({
        TargetValue: 12_000,
        CustomizedMetricSpecification: expect.objectContaining({
          ...{ Namespace: "Prosper", MetricName: "Connections", Statistic: "Average" },
          Dimensions: [{ Name: "Stage", Value: "prod" }],
        }),
      }),
    );
    expect(allOf(stages.dev, "AWS::ApplicationAutoScaling::ScalableTarget")).toHaveLength(0);
  });

  it("say no number of edges where a fleet may have grown, and still come to the least by themselves", () => {
    const desired = (templates: StageTemplates): unknown =>
      allOf(templates, "AWS::ECS::Service")[0]?.[1].Properties.DesiredCount;
    expect(desired(stages.prod)).toBeUndefined();
    const [[, target] = missing()] = allOf(stages.prod, "AWS::ApplicationAutoScaling::ScalableTarget");
    expect(target.Properties.ScheduledActions).toEqual([
      expect.objectContaining({
        Schedule: "rate(5 minutes)",
        ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 12 },
      }),
    ]);
    expect(desired(stages.dev)).toBe(1);
    expect(desired(synthesise("prod", { tasks: 0 }))).toBe(0);
    expect(desired(synthesise("prod", { tasks: 12 }))).toBe(12);
  });

  it("leave Aurora's minor version to Aurora", () => {
    for (const name of ["dev", "prod"] as const) {
      const [[, cluster] = missing()] = allOf(stages[name], "AWS::RDS::DBCluster");
      expect(cluster.Properties.EngineVersion).toBe("17");
      for (const [, { Properties }] of allOf(stages[name], "AWS::RDS::DBInstance"))
        expect(Properties.AutoMinorVersionUpgrade).toBe(true);
    }
  });

  it("send a new origin secret where its version is given: a template that stays the same is not looked at again", () => {
    const { web } = synthesise("dev", { originVersion: "0123456789abcdef0123456789abcdef" });
    expect(JSON.stringify(web.toJSON())).toContain(
      "{{resolve:secretsmanager:prosper/dev/origin:SecretString:::0123456789abcdef0123456789abcdef}}",
    );
  });

  it("cap the api and keep a floor for what the books need, where the account has enough to reserve", () => {
    const reserved = (templates: StageTemplates): Record<string, number> =>
      Object.fromEntries(
        resourcesOf(templates.control, "AWS::Lambda::Function").flatMap(([, { Properties }]) =>
          Properties.ReservedConcurrentExecutions === undefined
            ? []
            : [[Properties.FunctionName.split("-").at(-1), Properties.ReservedConcurrentExecutions]],
        ),
      );
    expect(reserved(stages.prod)).toEqual({ accounting: 10, api: 100, auth: 50, poll: 2 });
    expect(reserved(synthesise("prod", { reserve: "no" }))).toEqual({});
    expect(reserved(stages.dev)).toEqual({});
  });

  it("give what applies and seals the time, the CPU and the concurrency that 250,000 workers need", () => {
    const sizes = (templates: StageTemplates): unknown[] => [
      resourcesOf(templates.control, "AWS::Lambda::EventSourceMapping")[0]?.[1].Properties.ScalingConfig
        .MaximumConcurrency,
      ...["accounting", "janitor"].map((fn) => {
        const found = resourcesOf(templates.control, "AWS::Lambda::Function").find(([, { Properties }]) =>
          Properties.FunctionName.endsWith(`-${fn}`),
        );
        return [found?.[1].Properties.MemorySize, found?.[1].Properties.Timeout];
      }),
    ];
    expect(sizes(synthesise("large"))).toEqual([10, [1769, 30], [1769, 300]]);
    expect(sizes(stages.prod)).toEqual([4, [512, 30], [512, 55]]);
  });

  it.each(["small", "large"] as const)(
    "are of every size of the cost table: %s has the real network's parameters",
    (name) => {
      const templates = synthesise(name);
      const [[, task] = missing()] = allOf(templates, "AWS::ECS::TaskDefinition");
      const environment = task.Properties.ContainerDefinitions[0].Environment;
      const config = environment.find(({ Name }: { Name: string }) => Name === "PROSPER_CONFIG").Value;
      expect(config).toContain('blockperiod = "600s"\nstartheight = 206422\nactivation = -1\nlxrbits = 30');
      expect(allOf(templates, "AWS::RDS::DBCluster")[0]?.[1].DeletionPolicy).toBe("Retain");
      const { Cpu, Memory } = task.Properties;
      expect([Cpu, Memory]).toEqual(name === "small" ? ["1024", "3072"] : ["4096", "8192"]);
    },
  );

  it("tell the api a visitor's own address and host, whatever the visitor claims", () => {
    const [[, keep] = missing()] = resourcesOf(stages.prod.web, "AWS::CloudFront::Function");
    const run = new Function("event", `${keep.Properties.FunctionCode}; return handler(event);`);
    const claimed = { "x-viewer-address": { value: "192.0.2.1" }, host: { value: "pool.example.org" } };
    expect(run({ viewer: { ip: "198.51.100.7" }, request: { headers: claimed } }).headers).toMatchObject({
      "x-viewer-address": { value: "198.51.100.7" },
      "x-viewer-host": { value: "pool.example.org" },
    });
  });

  it("serve a domain of one's own where a certificate is given", () => {
    const certificateArn = "arn:aws:acm:us-east-1:123456789012:certificate/1234";
    const { web } = synthesise("prod", { domain: "pool.example.org", certificateArn });
    const [[, distribution] = missing()] = resourcesOf(web, "AWS::CloudFront::Distribution");
    expect(distribution.Properties.DistributionConfig).toMatchObject({
      Aliases: ["pool.example.org"],
      ViewerCertificate: { AcmCertificateArn: certificateArn, MinimumProtocolVersion: "TLSv1.2_2021" },
    });
  });
});

describe("the control stack", () => {
  /** All of LocalStack's community edition; beyond this list the stack could not run on an emulator. */
  const TYPES = [
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "Custom::DatabaseSchema",
  ];

  it.each(["dev", "prod", "local"] as const)("of %s uses only services that emulators have", (name) => {
    const template = name === "local" ? local : stages[name].control;
    const types = Object.values<Resource>(template.toJSON()["Resources"]).map(({ Type }) => Type);
    // On AWS the secrets are in the stack of the data.
    const own = name === "local" ? ["AWS::SecretsManager::Secret"] : [];
    expect([...new Set(types)].sort(byText)).toEqual([...TYPES, ...own].sort(byText));
  });

  it("runs the migrations before anything that needs them", () => {
    const { Resources } = stages.prod.control.toJSON();
    const schema = Object.entries<Resource>(Resources).find(
      ([, { Type }]) => Type === "Custom::DatabaseSchema",
    );
    const waiting = Object.values<Resource & { DependsOn?: string[] }>(Resources).filter(({ Type }) =>
      ["AWS::Lambda::EventSourceMapping", "AWS::Events::Rule", "AWS::Lambda::Url"].includes(Type),
    );
    expect(waiting).toHaveLength(6);
    for (const { DependsOn } of waiting) expect(DependsOn).toContain(schema?.[0]);
  });

  it("gives a migration, its function and its resource, 15 minutes: the runner gives up before", () => {
    const { Resources } = stages.prod.control.toJSON();
    const found = Object.values<Resource>(Resources);
    const migrate = found.find(({ Properties }) => Properties.FunctionName === "prosper-prod-migrate");
    const schema = found.find(({ Type }) => Type === "Custom::DatabaseSchema");
    expect([migrate?.Properties.Timeout, schema?.Properties.ServiceTimeout]).toEqual([900, "900"]);
  });

  it("replaces no function that reads the database before its schema is there", () => {
    const { Resources } = stages.prod.control.toJSON();
    const functions = Object.values<Resource & { DependsOn?: string[] }>(Resources).filter(
      ({ Type }) => Type === "AWS::Lambda::Function",
    );
    const schema = Object.entries<Resource>(Resources).find(
      ([, { Type }]) => Type === "Custom::DatabaseSchema",
    );
    const early = functions.filter(({ DependsOn = [] }) => !DependsOn.includes(schema?.[0] ?? "none"));
    expect(early.map(({ Properties }) => Properties.FunctionName)).toEqual(["prosper-prod-migrate"]);
  });

  it.each(["ForcedSeals", "OverdueSeals"])("rings for %s of every function that seals", (metric) => {
    const watched = resourcesOf(stages.prod.control, "AWS::CloudWatch::Alarm")
      .filter(([, { Properties }]) => Properties.MetricName === metric)
      .map(([, { Properties }]) => Properties.Dimensions[0].Value);
    expect(watched.sort(byText)).toEqual(["prosper-prod-accounting", "prosper-prod-janitor"]);
  });

  it("of an emulator has no alarm that needs arithmetic, and asks the local Data API", () => {
    for (const [, { Properties }] of resourcesOf(local, "AWS::CloudWatch::Alarm"))
      expect(Properties.Metrics).toBeUndefined();
    for (const [, { Properties }] of resourcesOf(local, "AWS::Lambda::Function"))
      expect(Properties.Environment.Variables.AWS_ENDPOINT_URL_RDS_DATA).toBe("http://127.0.0.1:4570");
  });
});

function alarmsOf(name: "dev" | "prod"): [id: string, resource: Resource][] {
  return allOf(stages[name], "AWS::CloudWatch::Alarm");
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** Of all policies of roles; a key's own policy can only speak of "*", itself. */
function statementsOf(templates: StageTemplates): Statement[] {
  return allOf(templates, "AWS::IAM::Policy").flatMap(
    ([, { Properties }]) => Properties.PolicyDocument.Statement,
  );
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function missing(): never {
  throw new Error("the template has no such resource");
}
