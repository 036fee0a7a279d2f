/** The CDK app: one stage of the pool, named by context (`-c stage=prod`; docs/aws.md). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { coerceError } from "../../shared/errors.ts";
import { bundleFunctions, sizeLines } from "./bundle.ts";
import { addLocalPool, readLocal } from "./local-app.ts";
import { addPool } from "./pool-app.ts";
import { readContext, stageOf } from "./stage-context.ts";

const ROOT = join(import.meta.dirname, "../..");
const manifest: { version: string } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

try {
  const app = new App();
  const get = (key: string): unknown => app.node.tryGetContext(key);
  const context = readContext(get);
  const bundles = await bundleFunctions(join(app.outdir, "functions"));
  for (const line of sizeLines(bundles)) process.stderr.write(`${line}\n`);
  const options = { bundles, version: manifest.version };
  if (context.stage === "local") addLocalPool(app, readLocal(get), options);
  else addPool(app, stageOf(context.stage, context), options);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
}
