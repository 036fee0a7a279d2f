/** The sizes of the cost table, each a stage that can be deployed, and their bills from templates synthesised for it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import type { Bundles } from "../bundle.ts";
import { addPool } from "../pool-app.ts";
import { type Context, readContext, stageOf } from "../stage-context.ts";
import type { StageName } from "../stages.ts";
import { type Bill, billOf, HOURS, type Use } from "./bill.ts";

export interface Size {
  readonly title: string;
  /** What is passed by `-c`, beside what every stage is asked for. */
  readonly stage: StageName;
  readonly tasks?: number;
  readonly miners: number;
}

export const SIZES: readonly Size[] = [
  { title: "try", stage: "try", miners: 10 },
  { title: "small, up to 500 miners", stage: "small", miners: 500 },
  { title: "small with `-c tasks=2`, 1,000", stage: "small", tasks: 2, miners: 1000 },
  { title: "medium, 10,000 (stage prod)", stage: "prod", miners: 10_000 },
  { title: "large, 250,000 (by arithmetic, not by a run)", stage: "large", miners: 250_000 },
];

export interface SizeBills {
  readonly size: Size;
  readonly edges: string;
  /** A month with all miners; the books hold one month. */
  readonly month: Bill;
  /** Deployed, and nobody mines. */
  readonly idle: Bill;
  /** `-c tasks=0`. */
  readonly off: Bill;
  /** As `month`, with a year of books. */
  readonly yearLater: Bill;
}

type Templates = Parameters<typeof billOf>[0];

export function billsOf(size: Size): SizeBills {
  const on = synthesise(size, size.tasks);
  const off = synthesise(size, 0);
  const { edge, database } = on.stage;
  const bill = ({ stage, templates }: typeof on, use: Omit<Use, "stage">): Bill =>
    billOf(templates, { stage, ...use });
  const awake = { hoursAwake: HOURS };
  return {
    size,
    edges: `${edge.tasks} × ${vcpus(edge.cpu)} vCPU, ${edge.memoryMiB / 1024} GB`,
    month: bill(on, { miners: size.miners, monthsOfBooks: 1, ...awake }),
    idle: bill(on, { miners: 0, monthsOfBooks: 0, ...awake }),
    off: bill(off, { miners: 0, monthsOfBooks: 0, hoursAwake: database.minAcu === 0 ? 0 : HOURS }),
    yearLater: bill(on, { miners: size.miners, monthsOfBooks: 12, ...awake }),
  };
}

function vcpus(cpu: number): string {
  return cpu === 512 ? "½" : `${cpu / 1024}`;
}

/** Over bundles of one line: what they hold has no price. */
function synthesise(
  size: Size,
  tasks: number | undefined,
): { stage: ReturnType<typeof stageOf>; templates: Templates } {
  const out = mkdtempSync(join(tmpdir(), "prosper-cost-"));
  try {
    const given: Partial<Record<keyof Context, unknown>> = {
      ...{ stage: size.stage, factomd: "http://factomd.example:8088/v2", stratumDomain: "mine.example.org" },
      ...{
        alarmEmail: "operator@example.org",
        coinbase: "FA2KKHZ5XrXGSFq4C8ZCDbhH4bk2zZoDJbx3X772Kmxs4ftUrACm",
        canaryUser: "canary",
      },
      ...(tasks === undefined ? {} : { tasks }),
    };
    const stage = stageOf(
      size.stage,
      readContext((key) => Object.entries(given).find(([name]) => name === key)?.[1]),
    );
    const app = new App({ outdir: join(out, "cdk") });
    addPool(app, stage, { bundles: emptyBundles(out), version: "0.0.0" });
    const { stacks } = app.synth();
    return { stage, templates: stacks.map(({ template }) => template) };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function emptyBundles(folder: string): Bundles {
  const own = join(folder, "bundle");
  mkdirSync(own);
  writeFileSync(join(own, "index.mjs"), "export const handler = async () => undefined;\n");
  const bundle = { folder: own, bytes: 1 };
  return {
    ...{ accounting: bundle, alerts: bundle, auth: bundle, poll: bundle },
    ...{ api: bundle, janitor: bundle, canary: bundle, migrate: bundle },
  };
}
