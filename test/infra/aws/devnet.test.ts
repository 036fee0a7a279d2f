/** Stage `try`: an AWS account alone is enough, because the stage has a Factom network of its own. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { edgeConfig } from "../../../infra/aws/edge-settings.ts";
import { readContext, stageOf } from "../../../infra/aws/stage-context.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { containerSettings } from "../../../infra/container/settings.ts";
import { firstLine, jsonLine } from "../../../infra/emulator/process.ts";
import { requireFit } from "../../../infra/pool/factomd-fits.ts";
import { creditAddress } from "../../../infra/pool/key-addresses.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { SILENT } from "../../../shared/logger.ts";
import { allOf, resourcesOf, type StageTemplates, synthesise } from "../../support/aws/stage-templates.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";

const NOTHING = readContext((key) => (key === "stage" ? "try" : undefined));
const stage = stageOf("try", NOTHING);
let templates: StageTemplates;

beforeAll(() => {
  templates = synthesise("try", NOTHING);
});

function openFactomd(url: string) {
  return createFactomd({ url, timeoutMs: 5_000 }, { fetch, clock: systemClock, random: systemRandom });
}

/** Of the one task definition of a stack. */
function containerOf(stack: "edge" | "devnet") {
  const template = templates[stack];
  if (template === undefined) throw new Error(`there is no stack ${stack}`);
  const [task] = resourcesOf(template, "AWS::ECS::TaskDefinition");
  return task?.[1].Properties.ContainerDefinitions[0];
}

describe("stage try", () => {
  it("needs neither a factomd nor an address nor a secret that somebody makes first", () => {
    const edge = containerOf("edge");
    const variables = Object.fromEntries(
      edge.Environment.map(({ Name, Value }: { Name: string; Value: string }) => [Name, Value]),
    );
    const secrets = edge.Secrets.map(({ Name }: { Name: string }) => Name);
    const [[, name] = []] = allOf(templates, "AWS::ServiceDiscovery::Service");
    const [[, zone] = []] = allOf(templates, "AWS::ServiceDiscovery::PrivateDnsNamespace");

    expect(secrets.every((secret: string) => secret.startsWith("DATABASE_"))).toBe(true);
    expect(containerOf("devnet").Command).toContain(creditAddress(variables["PROSPER_ES_ADDRESS"]));
    expect(stage.pool.factomd).toBe(`http://${name?.Properties.Name}.${zone?.Properties.Name}:8088/v2`);
    expect(variables["PROSPER_CONFIG"]).toContain(`factomdlocation = "${stage.pool.factomd}"`);
    expect(JSON.stringify(allOf(templates, "AWS::Lambda::Function"))).toContain(":8070/prices");
  });

  it("opens its prices for reading, and its chain to edges only", () => {
    const open = allOf(templates, "AWS::EC2::SecurityGroup")
      .flatMap(([, { Properties }]) => Properties.SecurityGroupIngress ?? [])
      .filter((rule: { CidrIp?: string }) => rule.CidrIp)
      .map((rule: { FromPort: number }) => rule.FromPort);
    const inside = allOf(templates, "AWS::EC2::SecurityGroupIngress").filter(
      ([, { Properties }]) => Properties.FromPort === 8088,
    );

    expect(open).toEqual([3333, 8070]);
    expect(inside).toHaveLength(1);
    expect(JSON.stringify(inside[0]?.[1].Properties.SourceSecurityGroupId)).toContain("EdgeGroup");
  });

  it("keeps the chain on a disk that outlives the task, which one task at a time writes", () => {
    const { devnet } = templates;
    if (devnet === undefined) throw new Error("there is no devnet");
    const [[, service] = []] = resourcesOf(devnet, "AWS::ECS::Service");
    const [[, task] = []] = resourcesOf(devnet, "AWS::ECS::TaskDefinition");
    const [[, disk] = []] = resourcesOf(devnet, "AWS::EFS::FileSystem");

    expect(service?.Properties).toMatchObject({
      DesiredCount: 1,
      DeploymentConfiguration: { MaximumPercent: 100, MinimumHealthyPercent: 0 },
    });
    expect(task?.Properties.Volumes[0].EFSVolumeConfiguration.TransitEncryption).toBe("ENABLED");
    expect(task?.Properties.ContainerDefinitions[0].MountPoints[0].ContainerPath).toBe("/data");
    expect(disk?.DeletionPolicy).toBe("Delete");
    const off = synthesise("try", { ...NOTHING, tasks: 0 }).devnet;
    expect(off && resourcesOf(off, "AWS::ECS::Service")[0]?.[1].Properties.DesiredCount).toBe(0);
  });

  it("runs a network that its edges take, and that goes on where it was after a restart", async () => {
    const dataDir = temporaryFolder();
    const { files, configFile } = containerSettings({}, dataDir);
    for (const { path, text } of files) writeFileSync(path, text.replace("/table", join(dataDir, "table")));
    const command: string[] = containerOf("devnet").Command;
    const args = command.map((arg) =>
      arg.startsWith("/data/") ? arg.replace("/data", dataDir) : /^80\d\d$/.test(arg) ? "0" : arg,
    );
    const start = () =>
      firstLine(
        {
          ...{ name: "prosper devnet", command: process.execPath },
          args: ["infra/cli/main.ts", ...args, "--config", configFile],
          env: { PATH: process.env["PATH"] ?? "", HOME: dataDir },
        },
        jsonLine(v.object({ event: v.literal("ready"), factomd: v.string() })),
        60_000,
      );

    const first = await start();
    const factomd = openFactomd(first.value.factomd);
    const toml = join(dataDir, "edge.toml");
    writeFileSync(toml, stringify(edgeConfig(stage)));
    const config = loadConfig(toml, { required: true, overrides: [] });
    await requireFit(factomd, config, { logger: SILENT });
    const { directoryBlock } = await factomd.heights();
    await first.program.stop();
    const again = await start();
    const now = await openFactomd(again.value.factomd).heights();
    await again.program.stop();

    expect(directoryBlock).toBeGreaterThanOrEqual(stage.pool.startHeight);
    expect(now.directoryBlock).toBeGreaterThanOrEqual(directoryBlock);
  });
});
