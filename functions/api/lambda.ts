/** The api function as a Lambda: behind a function URL, and on AWS also behind CloudFront. A schedule asks it whether receipts can be signed. */

import { join } from "node:path";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import * as v from "valibot";
import { KeptSecret } from "../../shared/aws/kept-secret.ts";
import { readVersions, type SecretVersions } from "../../shared/aws/secret.ts";
import { coerceError } from "../../shared/errors.ts";
import { createPasswords } from "../auth/password.ts";
import { createWebAccounts } from "../auth/web-accounts.ts";
import { readAssets } from "../dashboard/asset-files.ts";
import { awsOptions, readEnvironment, workerLimits } from "../environment.ts";
import type { HttpReply } from "../http.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { canSignReceipts } from "./figures/receipt-check.ts";
import { type ReceiptKeySource, receiptKeysOf } from "./figures/receipt-keys.ts";
import { createApiHandler } from "./handler.ts";
import { behindOrigin } from "./http/origin.ts";
import { optionsOf } from "./options.ts";
import { writtenSightings } from "./sightings.ts";

const env = readEnvironment("api");
/** Waking takes some 15 s, longer than a page waits and than the function may run: a visitor is told so instead. */
const RESUME_MS = 3_000;
/** Anybody can be refused, as often as he likes. */
const AGAIN_MS = 60_000;
const modules = lambdaModules(env, { resumeMs: RESUME_MS });
const accounts = createWebAccounts(
  { openRegistration: env.REGISTRATION === "open" },
  { ...modules, passwords: createPasswords({}, modules) },
);
const originSecret = keep(env.ORIGIN_SECRET_NAME);
const receiptSecret = keep(env.RECEIPT_SECRET_NAME);
const receiptKeys: ReceiptKeySource = async () => {
  const versions = await receiptSecret?.get();
  return versions && receiptKeysOf(versions.current, versions.previous ?? "");
};
const api = createApiHandler(optionsOf(env), {
  ...{ ...modules, accounts, workerLimits: workerLimits(env) },
  // Beside the bundled code (infra/aws/bundle.ts).
  sightings: writtenSightings(modules.db),
  assets: readAssets(join(import.meta.dirname, "dashboard.json")),
  receiptKeys: () =>
    receiptKeys().catch((thrown: unknown) => {
      modules.logger.error("Receipts cannot be signed: proofs have none, and pages show no key", {
        error: coerceError(thrown).message,
      });
      return undefined;
    }),
});
const visited = behindOrigin(originSecret, api, modules);
/** The schedule's event (infra/aws/control-stack.ts); no request of a visitor has this form. */
const receiptCheck = v.strictObject({ check: v.literal("receipts") });

/** Rejects where the schedule asks and receipts cannot be signed. */
export async function handler(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<HttpReply | { readonly signed: true }> {
  if (!v.is(receiptCheck, event)) return visited(event, context);
  await canSignReceipts(receiptKeys);
  modules.count({ ReceiptsSigned: 1 });
  return { signed: true };
}

/** Undefined where none is named. */
function keep(name: string): KeptSecret<SecretVersions> | undefined {
  if (name === "") return undefined;
  const read = (): Promise<SecretVersions> => readVersions(awsOptions(env), name);
  return new KeptSecret({ name, read, maxAgeMs: env.SECRET_SECONDS * 1000, againMs: AGAIN_MS }, modules);
}
