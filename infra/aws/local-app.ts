/** The control stack alone, for an emulator of AWS on this machine: database, prices and edges are processes beside it. */

import { type App, Duration, SecretValue } from "aws-cdk-lib";
import { Architecture } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { userName } from "../../shared/messages/summary.ts";
import { acknowledge } from "./acknowledge.ts";
import { ControlStack } from "./control-stack.ts";
import { type PoolAppOptions, schemaOf } from "./pool-app.ts";

/** Given as CDK context, since every start picks new ports. */
const local = v.object({
  /** Our own Data API before PostgreSQL: the emulators' is a stub. */
  dataApi: v.pipe(v.string(), v.url()),
  /** Of the devnet. */
  priceFeed: v.pipe(v.string(), v.url()),
  stratumPort: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.integer()),
  blockSeconds: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.minValue(0.1)),
  /** The front of the function URL proves itself with it. */
  originSecret: v.pipe(v.string(), v.minLength(1)),
  /** Of the key that signs receipts. */
  receiptSecret: v.pipe(v.string(), v.minLength(1)),
  lxrBits: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.integer()),
  /** A mail server on this machine; without one there is no e-mail. */
  smtp: v.optional(v.pipe(v.string(), v.url())),
  /** See Stage. */
  canaryUser: v.optional(userName),
});

export type Local = v.InferOutput<typeof local>;

/** Throws CodedError `context` naming the key. */
export function readLocal(get: (key: string) => unknown): Local {
  const keys = Object.keys(local.entries);
  const parsed = v.safeParse(local, Object.fromEntries(keys.map((key) => [key, get(key)])));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError("context", `context ${v.getDotPath(issue)} of stage local: ${issue.message}`);
}

const STAGE = "local";
/** A minute stands for an hour: a message is hidden for a sixtieth of a real stage's three minutes, so that a test sees what comes again. */
const QUEUE = { timeout: Duration.seconds(3), visibility: Duration.seconds(3) };
const SECRET_SECONDS = 5;

export function addLocalPool(app: App, settings: Local, options: PoolAppOptions): ControlStack {
  const account = "000000000000";
  const control = new ControlStack(app, "Prosper-local-control", {
    functions: {
      stage: STAGE,
      bundles: options.bundles,
      // Names that nobody looks up: the local Data API takes the role from them.
      database: {
        clusterArn: `arn:aws:rds:us-east-1:${account}:cluster:prosper-local`,
        secretArnOf: (user) => `arn:aws:secretsmanager:us-east-1:${account}:secret:prosper-local-${user}`,
        name: "prosper",
      },
      logDays: RetentionDays.ONE_DAY,
      // Emulators run functions on this machine's own processor.
      architecture: process.arch === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      extraEnvironment: { AWS_ENDPOINT_URL_RDS_DATA: settings.dataApi },
    },
    pool: {
      name: "ProsperLocal",
      coinbase: "",
      feeRate: "0.05",
      registration: "invite",
      twoAdministrators: false,
      factomd: "",
      blockSeconds: settings.blockSeconds,
      startHeight: 1000,
      activation: 0,
      lxrBits: settings.lxrBits,
    },
    prices: {
      priorities: { fixedusd: 0, devnet: 1 },
      overrides: {},
      urls: { devnet: settings.priceFeed },
      fixed: {},
      rule: "priority",
      staleSeconds: 1800,
    },
    stratum: { host: "127.0.0.1", port: settings.stratumPort },
    ...(settings.canaryUser === undefined ? {} : { canaryUser: settings.canaryUser }),
    version: options.version,
    schema: schemaOf(),
    isAurora: false,
    originSecret: `prosper/${STAGE}/origin`,
    receiptSecret: `prosper/${STAGE}/receipts`,
    rootsBatch: 1,
    mailFrom: settings.smtp === undefined ? "" : "pool@example.org",
    allowPrivate: true,
    secretSeconds: SECRET_SECONDS,
    isScheduled: true,
    queue: QUEUE,
  });
  for (const [id, name, value] of [
    ["OriginSecret", "origin", settings.originSecret],
    ["ReceiptSecret", "receipts", settings.receiptSecret],
    ["MailSecret", "mail", settings.smtp],
  ] as const) {
    if (value === undefined) continue;
    const secret = new Secret(control, id, {
      secretName: `prosper/${STAGE}/${name}`,
      // It protects nothing outside of this machine.
      secretStringValue: SecretValue.unsafePlainText(value),
    });
    acknowledge(secret, { SMG4: "An emulator's secret lasts as long as its test." });
  }
  return control;
}
