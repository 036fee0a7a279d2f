/** What the stacks of a stage hold, and who may do what in them. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { ENVIRONMENTS, type FunctionName } from "../../../functions/environment.ts";
import { STRATUM_PORT, STRATUM_TLS_PORT } from "../../../infra/aws/stages.ts";
import {
  allOf,
  missing,
  type Resource,
  resourcesOf,
  type StageTemplates,
  stages,
  VERSION,
} from "../../support/aws/stage-templates.ts";
import { byText } from "../../support/model/books.ts";

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
    const [[, oldest] = missing()] = allOf(stages[name], "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.AlarmName.endsWith("summaries-oldest-message"),
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
