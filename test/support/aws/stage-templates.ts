/** The templates of a stage, synthesised in this process over bundles of one line: what they say, not what the bundles hold. */

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { Bundles } from "../../../infra/aws/bundle.ts";
import { addLocalPool } from "../../../infra/aws/local-app.ts";
import { addPool, type PoolStacks } from "../../../infra/aws/pool-app.ts";
import { type Context, stageOf } from "../../../infra/aws/stage-context.ts";
import type { Stage, StageName } from "../../../infra/aws/stages.ts";

export const COINBASE = "FA2KKHZ5XrXGSFq4C8ZCDbhH4bk2zZoDJbx3X772Kmxs4ftUrACm";

/** What a user passes. */
export const CONTEXT: Context = {
  stage: "dev",
  factomd: "http://factomd.example:8088/v2",
  coinbase: COINBASE,
  domain: undefined,
  certificateArn: undefined,
  stratumDomain: "mine.example.org",
  alarmEmail: "operator@example.org",
  mailFrom: undefined,
  roots: undefined,
  tasks: undefined,
  devnetFeed: undefined,
  reserve: undefined,
  originVersion: undefined,
  canaryUser: undefined,
};

export const VERSION = "1.2.3";

type StackName = Exclude<keyof PoolStacks, "devnet">;
export type StageTemplates = Readonly<Record<StackName, Template> & { devnet?: Template }>;

/** `changes`: as if they stood in the stage's literal. */
export function synthesise(
  name: StageName,
  context: Partial<Context> = {},
  changes: Partial<Stage> = {},
): StageTemplates {
  const stage: Stage = { ...stageOf(name, { ...CONTEXT, ...context }), ...changes };
  const stacks = addPool(newApp(), stage, options());
  return {
    network: Template.fromStack(stacks.network),
    data: Template.fromStack(stacks.data),
    control: Template.fromStack(stacks.control),
    edge: Template.fromStack(stacks.edge),
    web: Template.fromStack(stacks.web),
    observe: Template.fromStack(stacks.observe),
    ...(stacks.devnet === undefined ? {} : { devnet: Template.fromStack(stacks.devnet) }),
  };
}

const asWritten = new Map<"dev" | "prod", StageTemplates>();

function writtenStage(name: "dev" | "prod"): StageTemplates {
  const templates = asWritten.get(name) ?? synthesise(name);
  asWritten.set(name, templates);
  return templates;
}

/** The stages as they are written, each synthesised when it is first looked at. */
export const stages = {
  get dev(): StageTemplates {
    return writtenStage("dev");
  },
  get prod(): StageTemplates {
    return writtenStage("prod");
  },
};

export function synthesiseLocal(): Template {
  return Template.fromStack(
    addLocalPool(
      newApp(),
      {
        dataApi: "http://127.0.0.1:4570",
        priceFeed: "http://127.0.0.1:4571",
        stratumPort: 3333,
        blockSeconds: 5,
        lxrBits: 16,
        originSecret: "between-us",
        receiptSecret: "for-years",
      },
      options(),
    ),
  );
}

function newApp(): App {
  return new App({ outdir: mkdtempSync(join(tmpdir(), "prosper-synth-")) });
}

function options(): { bundles: Bundles; version: string } {
  const folder = mkdtempSync(join(tmpdir(), "prosper-bundle-"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.mjs"), "export const handler = async () => undefined;\n");
  const bundle = { folder, bytes: 1 };
  return {
    bundles: {
      accounting: bundle,
      alerts: bundle,
      auth: bundle,
      poll: bundle,
      api: bundle,
      janitor: bundle,
      canary: bundle,
      migrate: bundle,
    },
    version: VERSION,
  };
}

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation takes
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

/** Every resource of a type in a template, with its logical id. */
export function resourcesOf(template: Template, type: string): [id: string, resource: Resource][] {
  return Object.entries<Resource>(template.toJSON()["Resources"]).filter(([, { Type }]) => Type === type);
}

/** Of all stacks together. */
export function allOf(templates: StageTemplates, type: string): [id: string, resource: Resource][] {
  return Object.values(templates).flatMap((template) => resourcesOf(template, type));
}

/** The properties of the one function with this end of its name. */
export function functionOf(template: Template, name: string): Resource["Properties"] {
  return resourcesOf(template, "AWS::Lambda::Function").find(([, { Properties }]) =>
    Properties.FunctionName.endsWith(`-${name}`),
  )?.[1].Properties;
}

export function missing(): never {
  throw new Error("the template has no such resource");
}
