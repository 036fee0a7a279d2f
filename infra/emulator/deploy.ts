/** Deploys the local stage with the real `cdk` command, as one does on AWS; only the endpoint is the emulator's. */

import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import type { Local } from "../aws/local-app.ts";
import { runProgram } from "./process.ts";

export interface DeployOptions {
  /** The emulator. */
  readonly endpoint: string;
  readonly local: Local;
  /** For what cdk writes. */
  readonly folder: string;
  readonly path: string;
  readonly home: string;
  /** Called with a line for each step. */
  readonly onStep: (step: string) => void;
  /** What cdk prints. */
  readonly onLine?: (line: string) => void;
}

const ACCOUNT = "000000000000";
const REGION = "us-east-1";
const STACK = "Prosper-local-control";
const ROOT = join(import.meta.dirname, "../..");
const CDK = join(ROOT, "node_modules/aws-cdk/bin/cdk");

const outputs = v.object({
  QueueUrl: v.string(),
  DeadLettersUrl: v.string(),
  AuthFunction: v.string(),
  PollFunction: v.string(),
  FunctionUrl: v.string(),
});
export type LocalOutputs = v.InferOutput<typeof outputs>;

/** The variables of every AWS client beside the emulator; nobody checks the key. */
export function emulatorEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
}

/** Bootstraps the emulated account and deploys the control stack. Throws CodedError `program` with cdk's last lines. */
export async function deployLocal(options: DeployOptions): Promise<LocalOutputs> {
  const { folder, local } = options;
  mkdirSync(folder, { recursive: true });
  const env = {
    ...emulatorEnvironment(options.endpoint),
    PATH: `${dirname(process.execPath)}:${options.path}`,
    HOME: options.home,
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
    CDK_DISABLE_CLI_TELEMETRY: "1",
    CI: "true",
  };
  const cdk = (cwd: string, args: readonly string[]): Promise<string> =>
    runProgram({
      name: `cdk ${args[0]}`,
      command: process.execPath,
      args: [CDK, ...args],
      cwd,
      env,
      onLine: options.onLine ?? (() => undefined),
    });
  options.onStep("cdk bootstrap");
  // Run in an empty folder: in the project's folder it would synthesise the app, which bootstrapping does not need.
  await cdk(mkdtempSync(join(folder, "bootstrap-")), ["bootstrap", `aws://${ACCOUNT}/${REGION}`]);
  options.onStep("cdk deploy");
  const outputsFile = join(folder, "outputs.json");
  const context = Object.entries({ stage: "local", ...local }).flatMap(([key, value]) => [
    "-c",
    `${key}=${value}`,
  ]);
  await cdk(ROOT, [
    ...["deploy", "--all", "--require-approval", "never", "--no-notices", "--progress", "events"],
    ...["--output", join(folder, "cdk.out"), "--outputs-file", outputsFile],
    ...context,
  ]);
  const written = v.object({ [STACK]: outputs });
  return v.parse(written, JSON.parse(readFileSync(outputsFile, "utf8")))[STACK];
}
