/** How the stages differ: what protects the books, what they scale to, and what their pages are told. */

import { describe, expect, it } from "vitest";
import { optionsOf } from "../../../functions/api/options.ts";
import { readEnvironment } from "../../../functions/environment.ts";
import { checkPages, completeStage } from "../../../infra/aws/stage-context.ts";
import { STAGES } from "../../../infra/aws/stages.ts";
import {
  allOf,
  CONTEXT,
  functionOf,
  missing,
  type Resource,
  resourcesOf,
  type StageTemplates,
  stages,
  synthesise,
} from "../../support/aws/stage-templates.ts";

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

describe("what the pages of a stage are told", () => {
  const SITE = "https://stats.example.org";
  const web = { corsOrigins: [SITE, "https://other.example"], explorer: "https://explorer.example/{hash}" };
  const apiOf = (templates: StageTemplates) => {
    const api = functionOf(templates.control, "api");
    const named = Object.entries<unknown>(api.Environment.Variables).map(([key, value]) => [
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
