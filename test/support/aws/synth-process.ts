/** One synthesis in a process of its own, as the `cdk` command starts it. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COINBASE } from "./stage-templates.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const REAL = {
  factomd: "http://factomd.example:8088/v2",
  coinbase: COINBASE,
  stratumDomain: "mine.example.org",
  alarmEmail: "operator@example.org",
};

export const STAGE_CONTEXTS = {
  try: { stage: "try" },
  dev: { stage: "dev", factomd: "http://factomd.example:8088/v2", coinbase: COINBASE },
  small: { stage: "small", ...REAL },
  prod: { stage: "prod", ...REAL },
  large: { stage: "large", ...REAL },
  local: {
    stage: "local",
    dataApi: "http://127.0.0.1:4570",
    priceFeed: "http://127.0.0.1:4571",
    stratumPort: 3333,
    blockSeconds: 5,
    lxrBits: 16,
    originSecret: "between-us",
    receiptSecret: "for-years",
  },
} as const;

export interface Synthesis {
  readonly exitCode: number;
  readonly stderr: string;
  readonly outDir: string;
  readonly ms: number;
}

/** `context` beside what cdk.json says. */
export function runSynth(context: Readonly<Record<string, unknown>>): Promise<Synthesis> {
  const outDir = mkdtempSync(join(tmpdir(), "prosper-cdk-"));
  const fromFile: { context: Record<string, unknown> } = JSON.parse(
    readFileSync(join(ROOT, "cdk.json"), "utf8"),
  );
  const env = {
    ...process.env,
    CDK_OUTDIR: outDir,
    CDK_CONTEXT_JSON: JSON.stringify({ ...fromFile.context, ...context }),
  };
  const startMs = performance.now();
  return new Promise((resolve) => {
    execFile(process.execPath, ["infra/aws/main.ts"], { cwd: ROOT, env }, (error, _stdout, stderr) => {
      const exitCode = typeof error?.code === "number" ? error.code : error === null ? 0 : 1;
      resolve({ exitCode, stderr, outDir, ms: performance.now() - startMs });
    });
  });
}
