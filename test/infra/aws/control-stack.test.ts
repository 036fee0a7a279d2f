/** The control stack: its functions, what a stage's settings make of them, and what rings, here and in the stacks beside it. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../functions/environment.ts";
import { METRIC_NAMES } from "../../../functions/lambda-logger.ts";
import { anchorOf } from "../../../infra/aws/runbook-alarm.ts";
import { readContext } from "../../../infra/aws/stage-context.ts";
import { type PriceSettings, STAGES, STRATUM_PORT, STRATUM_TLS_PORT } from "../../../infra/aws/stages.ts";
import { EDGE_METRICS } from "../../../infra/pool/edge-report.ts";
import {
  allOf,
  functionOf,
  missing,
  type Resource,
  resourcesOf,
  type StageTemplates,
  stages,
  synthesise,
  synthesiseLocal,
} from "../../support/aws/stage-templates.ts";
import { byText } from "../../support/model/books.ts";

const local = synthesiseLocal();

describe.each(["dev", "prod"] as const)("the stacks of %s", (name) => {
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
    // Only a stage with TLS has a certificate that ends, and `dev` alone writes roots; these have no canary.
    const expected = headings.filter(
      (heading) =>
        heading !== "the-canary-does-not-get-through" &&
        heading !== (name === "prod" ? "roots-on-the-chain" : "the-certificate-ends"),
    );
    expect(new Set(rung)).toEqual(new Set(expected));
  });

  it("ring where roots are written and are late on the chain, or are contradicted there", () => {
    const rung = alarmsOf(name).filter(([, { Properties }]) => /^Roots/.test(Properties.MetricName));
    const at = rung.map(([, { Properties }]) => `${Properties.MetricName} ${Properties.Threshold}`);
    expect(at.sort(byText)).toEqual(
      // A batch of one block and six more, of a minute each.
      name === "dev" ? ["RootsContradicted 1", "RootsWaitingSeconds 420"] : [],
    );
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
        ...(name === "dev" ? ["RootsWaitingSeconds"] : []),
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

  it("mail every alarm of the stage by its name's prefix", () => {
    const [[, rule] = missing()] = resourcesOf(stages[name].observe, "AWS::Events::Rule");
    expect(rule.Properties.EventPattern.detail.alarmName).toEqual([{ prefix: `prosper-${name}-` }]);
    const [[, mail] = missing()] = resourcesOf(stages[name].observe, "AWS::SNS::Subscription");
    expect(mail.Properties).toMatchObject({ Protocol: "email", Endpoint: "operator@example.org" });
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
    const variables = functionOf(control, "poll").Environment.Variables;
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
    const variables = functionOf(templates.control, "janitor").Environment.Variables;
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
  it("are delivered in no network of the pool's, to the internet alone, with time for what was begun", () => {
    for (const name of ["dev", "prod"] as const) {
      const alerts = functionOf(stages[name].control, "alerts");
      expect(alerts.VpcConfig).toBeUndefined();
      expect(alerts.Environment.Variables.ALLOW_PRIVATE).toBe("no");
      // It begins nothing after 20 s, what it has begun may take 15 s, and the next run comes a minute later.
      expect(alerts.Timeout).toBe(50);
    }
    expect(functionOf(local, "alerts").Environment.Variables.ALLOW_PRIVATE).toBe("yes");
  });

  it("go by e-mail too where the stage has a sender: its mail server is in a secret that one function may read", () => {
    const { control } = synthesise("prod", { mailFrom: "pool@example.org" });
    expect(functionOf(control, "alerts").Environment.Variables).toMatchObject({
      ...{ MAIL_FROM: "pool@example.org", MAIL_SECRET_NAME: "prosper/prod/mail" },
    });
    expect(functionOf(control, "api").Environment.Variables.HAS_MAIL).toBe("yes");
    const readers = resourcesOf(control, "AWS::IAM::Policy").filter(([, { Properties }]) =>
      JSON.stringify(Properties.PolicyDocument).includes("secret:prosper/prod/mail-??????"),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^AlertsRole/)]);

    expect(functionOf(stages.prod.control, "api").Environment.Variables.HAS_MAIL).toBe("no");
    expect(JSON.stringify(stages.prod.control.toJSON())).not.toContain("prosper/prod/mail");
  });
});

describe("the canary of a stage", () => {
  const canaryOf = ({ control }: StageTemplates) => functionOf(control, "canary");
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

function alarmsOf(name: "dev" | "prod"): [id: string, resource: Resource][] {
  return allOf(stages[name], "AWS::CloudWatch::Alarm");
}
