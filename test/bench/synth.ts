/** How long `cdk synth` takes, with bundles and cdk-nag: the median of three for each stage. `node test/bench/synth.ts` */

import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { STAGE_CONTEXTS } from "../support/aws/synth-process.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const CDK = join(ROOT, "node_modules/aws-cdk/bin/cdk");
const RUNS = 3;
const LIMIT_S = 20;

for (const [stage, context] of Object.entries(STAGE_CONTEXTS)) {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const startMs = performance.now();
    const given = Object.entries(context).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const out = ["--output", mkdtempSync(join(tmpdir(), "prosper-cdk-"))];
    await run(process.execPath, [CDK, "synth", "--quiet", "--all", ...out, ...given], {
      cwd: ROOT,
      env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: "1" },
    });
    times.push((performance.now() - startMs) / 1000);
  }
  const median = times.toSorted((a, b) => a - b)[1] ?? Number.POSITIVE_INFINITY;
  const all = times.map((time) => time.toFixed(1)).join(", ");
  process.stdout.write(`cdk synth ${stage.padEnd(6)} median ${median.toFixed(1)} s of ${all}\n`);
  if (median > LIMIT_S) process.exitCode = 1;
}
