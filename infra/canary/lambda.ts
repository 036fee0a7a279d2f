/**
 * The canary of a stage on AWS: a schedule has it come in by the stage's own address, log in and wait for a job. It hashes nothing: a function has no
 * table (docs/metrics.md, "The canary").
 */

import { readEnvironment } from "../../functions/environment.ts";
import { lambdaModules } from "../../functions/lambda-modules.ts";
import { createCanary } from "./canary.ts";

const env = readEnvironment("canary");
const modules = lambdaModules(env);
const address = { host: env.STRATUM_HOST, port: env.STRATUM_PORT, tls: env.STRATUM_TLS === "true" };
let hasFailed = false;
const look = createCanary({ user: env.CANARY_USER, shares: 0, timeoutMs: 45_000 }, address, {
  ...modules,
  onProbe: ({ failedAt }) => {
    hasFailed = failedAt !== null;
  },
});

/** What it saw is in the database, in the metric, and where it failed in the log: a pool that is away is no error of the function. */
export async function handler(): Promise<void> {
  // In a maintenance it rests, which is no failure.
  hasFailed = false;
  await look();
  modules.count({ CanaryThrough: hasFailed ? 0 : 1 });
}
