/** The api function as a Lambda: behind a function URL, and on AWS also behind CloudFront. */

import { createPasswords } from "../auth/password.ts";
import { createWebAccounts } from "../auth/web-accounts.ts";
import { readEnvironment, workerLimits } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { receiptKeysOf } from "./figures/receipt-keys.ts";
import { createApiHandler } from "./handler.ts";
import { behindOrigin } from "./http/origin.ts";
import { optionsOf } from "./options.ts";

const env = readEnvironment("api");
const modules = lambdaModules(env);
const accounts = createWebAccounts(
  { openRegistration: env.REGISTRATION === "open" },
  { ...modules, passwords: createPasswords({}, modules) },
);
const receiptKeys = receiptKeysOf(env.RECEIPT_SECRET);
const api = createApiHandler(optionsOf(env), {
  ...{ ...modules, accounts, workerLimits: workerLimits(env) },
  ...(receiptKeys && { receiptKeys }),
});

export const handler = behindOrigin({ secret: env.ORIGIN_SECRET }, api);
