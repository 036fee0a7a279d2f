/** The api function as a Lambda: behind a function URL, and on AWS also behind CloudFront. */

import { join } from "node:path";
import { createPasswords } from "../auth/password.ts";
import { createWebAccounts } from "../auth/web-accounts.ts";
import { readAssets } from "../dashboard/asset-files.ts";
import { readEnvironment, workerLimits } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { receiptKeysOf } from "./figures/receipt-keys.ts";
import { createApiHandler } from "./handler.ts";
import { behindOrigin } from "./http/origin.ts";
import { optionsOf } from "./options.ts";

const env = readEnvironment("api");
/** Waking takes some 15 s, longer than a page waits and than the function may run: a visitor is told so instead. */
const RESUME_MS = 3_000;
const modules = lambdaModules(env, { resumeMs: RESUME_MS });
const accounts = createWebAccounts(
  { openRegistration: env.REGISTRATION === "open" },
  { ...modules, passwords: createPasswords({}, modules) },
);
const receiptKeys = receiptKeysOf(env.RECEIPT_SECRET);
const api = createApiHandler(optionsOf(env), {
  ...{ ...modules, accounts, workerLimits: workerLimits(env) },
  // Beside the bundled code (infra/aws/bundle.ts).
  assets: readAssets(join(import.meta.dirname, "dashboard.json")),
  ...(receiptKeys && { receiptKeys }),
});

export const handler = behindOrigin({ secret: env.ORIGIN_SECRET }, api);
