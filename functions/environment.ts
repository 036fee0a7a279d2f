/** The environment variables of the Lambdas, with one schema for each function. No other file in functions reads them. */

import * as v from "valibot";
import type { AwsOptions } from "../shared/aws/call.ts";
import { ROLES } from "../shared/db/roles.ts";
import type { WorkerLimits } from "../shared/db/workers.ts";
import { unitsOf } from "../shared/decimal.ts";
import { CodedError } from "../shared/errors.ts";

const text = v.pipe(v.string("expected text"), v.minLength(1, "expected text"));
const decimal = v.pipe(
  v.string("expected a number"),
  v.regex(/^-?\d+(\.\d+)?$/, "expected a number"),
  v.transform(Number),
);
const whole = v.pipe(decimal, v.integer("expected a whole number"));
const seconds = v.pipe(decimal, v.minValue(0.1, "expected seconds, 0.1 or more"));
const registration = v.picklist(["invite", "open"], "expected invite or open");
const percentLimit = v.strictObject({
  median: v.pipe(v.number(), v.minValue(0)),
  block: v.pipe(v.number(), v.minValue(0)),
});
/** A price in USD as the operator writes it; 1e-8 USD inside. */
const price = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}(\.\d{1,8})?$/, "expected a price in USD with at most 8 decimals"),
  v.transform(unitsOf),
);
/** As the operator writes it; 1e-8 PEG inside. */
const peg = v.pipe(
  v.string(),
  v.regex(/^\d{1,11}(\.\d{1,8})?$/, "expected PEG with at most 8 decimals"),
  v.transform(unitsOf),
);
const priceSettings = v.pipe(
  v.string("expected JSON"),
  v.parseJson(undefined, "expected JSON"),
  v.strictObject({
    /** Source → place; empty: the default order. */
    priorities: v.record(v.string(), v.number()),
    /** Asset → sources, separated by commas. */
    overrides: v.record(v.string(), v.string()),
    /** Addresses of sources that have none of their own. */
    urls: v.record(v.string(), v.string()),
    /** Asset → the operator's own price. */
    fixed: v.record(v.string(), price),
    rule: v.picklist(["priority", "reference"]),
    /** Assets that one source is enough for; "*": all. */
    single: v.optional(v.array(v.string()), []),
    /** Percent; the usual ones where a kind is not named. */
    limits: v.optional(
      v.strictObject({
        fiat: v.exactOptional(percentLimit),
        metal: v.exactOptional(percentLimit),
        coin: v.exactOptional(percentLimit),
      }),
      {},
    ),
  }),
);

const roleSecrets = v.pipe(
  v.string("expected JSON"),
  v.parseJson(undefined, "expected JSON"),
  v.record(v.picklist(ROLES), text),
);

const common = {
  DATABASE_CLUSTER_ARN: text,
  DATABASE_SECRET_ARN: text,
  DATABASE_NAME: text,
  /** Both are set by Lambda itself. */
  AWS_REGION: v.optional(text, "us-east-1"),
  AWS_LAMBDA_FUNCTION_NAME: v.optional(text, "local"),
  /** Set by emulators of AWS; undefined: AWS itself. */
  AWS_ENDPOINT_URL: v.optional(text),
  LOG_LEVEL: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
};

/** See [pool] workersperuser and newworkersaday of the configuration. */
const workers = {
  WORKERS_PER_USER: v.optional(v.pipe(whole, v.minValue(1), v.maxValue(4096)), "4096"),
  NEW_WORKERS_A_DAY: v.optional(v.pipe(whole, v.minValue(0), v.maxValue(1024)), "16"),
};

/** The variables that each function is given. */
export const ENVIRONMENTS = {
  accounting: v.object({
    ...common,
    ...workers,
    SEAL_DEADLINE_SECONDS: seconds,
    /** Where messages go that can never be applied. */
    DEAD_LETTERS_URL: text,
  }),
  alerts: v.object({
    ...common,
    POOL_NAME: text,
    /** Sender of e-mail; empty: the pool sends none. */
    MAIL_FROM: v.optional(v.string(), ""),
    /** Name of the secret with the mail server's address; empty: there is none. */
    MAIL_SECRET_NAME: v.optional(v.string(), ""),
    TELEGRAM_URL: v.optional(text, "https://api.telegram.org"),
    /** "yes" beside an emulator alone: on Lambda a loopback address is the function's own runtime. */
    ALLOW_PRIVATE: v.optional(v.picklist(["yes", "no"]), "no"),
  }),
  auth: v.object({ ...common, REGISTRATION: registration }),
  poll: v.object({
    ...common,
    BLOCK_SECONDS: seconds,
    /** −1: the real network's heights. */
    ACTIVATION: whole,
    START_HEIGHT: whole,
    STALE_SECONDS: seconds,
    PRICES: priceSettings,
    /** Name of the secret with the keys of price sources; empty: no source has one. */
    PRICE_KEYS_SECRET: v.optional(v.string(), ""),
  }),
  api: v.object({
    ...common,
    ...workers,
    POOL_NAME: text,
    VERSION: text,
    BLOCK_SECONDS: seconds,
    REGISTRATION: registration,
    /** Empty: the host that the visitor's browser used. */
    STRATUM_HOST: v.string(),
    STRATUM_PORT: whole,
    /** Empty: the pool has no port for TLS. */
    STRATUM_TLS_PORT: v.optional(v.union([v.literal(""), whole]), ""),
    LXR_BITS: whole,
    /** Payouts and adjustments need two people. */
    TWO_ADMINISTRATORS: v.optional(v.picklist(["true", "false"]), "false"),
    /** The alerts function has a mail server. */
    HAS_MAIL: v.optional(v.picklist(["yes", "no"]), "no"),
    /** Who is owed less PEG is paid later; empty: the pages do not know. */
    PAYOUT_MINIMUM: v.optional(v.union([v.literal(""), peg]), ""),
    /** Where an entry of the chain can be looked at: {hash} stands for its hash. Empty: nowhere. */
    EXPLORER: v.optional(v.string(), ""),
    /** Sites whose pages may read the API, separated by commas. */
    CORS_ORIGINS: v.optional(v.string(), ""),
    /** Name of the secret that the content delivery network sends to prove itself; empty where there is none in front. */
    ORIGIN_SECRET_NAME: v.string(),
    /** Name of the secret that the key is made of which signs receipts; empty: none are signed. */
    RECEIPT_SECRET_NAME: v.optional(v.string(), ""),
    /** Both are read again when they are older. */
    SECRET_SECONDS: v.optional(seconds, "900"),
  }),
  janitor: v.object({
    ...common,
    ...workers,
    SEAL_DEADLINE_SECONDS: seconds,
    BLOCK_SECONDS: seconds,
    /** Bucket of S3 for the deltas of sealed blocks; empty: they stay in the database. */
    ARCHIVE_BUCKET: v.optional(v.string(), ""),
    /** How long after the seal. */
    ARCHIVE_AFTER_SECONDS: v.optional(seconds, "2592000"),
    /** Set where an emulator is asked. */
    AWS_ENDPOINT_URL_S3: v.optional(text),
    /** Blocks of an entry on the chain of roots; 0: roots are not signed. */
    ROOTS_BATCH: v.optional(v.pipe(whole, v.minValue(0), v.maxValue(40)), "0"),
    /** Name of the secret that the key is made of which signs them. */
    RECEIPT_SECRET_NAME: v.optional(v.string(), ""),
    /** Whether RDS is asked how far back the cluster can be restored; "no" where there is no RDS. */
    WATCH_BACKUPS: v.optional(v.picklist(["yes", "no"]), "no"),
  }),
  canary: v.object({
    ...common,
    /** The account that it logs in as. */
    CANARY_USER: text,
    /** Where miners connect. */
    STRATUM_HOST: text,
    STRATUM_PORT: whole,
    STRATUM_TLS: v.picklist(["true", "false"]),
  }),
  migrate: v.object({
    ...common,
    /** Role → ARN of the secret with its password; empty: none gets one. */
    ROLE_SECRETS: roleSecrets,
    /** Set by Lambda itself. */
    AWS_REGION: v.optional(text, "us-east-1"),
  }),
} as const;

export type FunctionName = keyof typeof ENVIRONMENTS;
export type Environment<Name extends FunctionName> = v.InferOutput<(typeof ENVIRONMENTS)[Name]>;
/** What every function is told. */
export type CommonEnvironment = v.InferOutput<v.ObjectSchema<typeof common, undefined>>;

export function workerLimits(env: { WORKERS_PER_USER: number; NEW_WORKERS_A_DAY: number }): WorkerLimits {
  return { inJob: env.WORKERS_PER_USER, newInDay: env.NEW_WORKERS_A_DAY };
}

/** Where AWS's services are asked. */
export function awsOptions(env: CommonEnvironment): AwsOptions {
  return { region: env.AWS_REGION, endpoint: env.AWS_ENDPOINT_URL };
}

/** Parses the process's variables. Throws CodedError `environment` naming the variable, never its value. */
export function readEnvironment<Name extends FunctionName>(
  name: Name,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Environment<Name> {
  const parsed = v.safeParse(ENVIRONMENTS[name], env);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError(
    "environment",
    `${name}: ${v.getDotPath(issue) ?? "the environment"}: ${issue.message}: set it where the function is deployed`,
  );
}
