/** Reads from CDK context (`-c key=value`, or the file cdk.context.json) which stage is deployed. A missing key is named before anything is built. */

import * as v from "valibot";
import { pollOptionsOf } from "../../functions/poll/options.ts";
import { unitsOf } from "../../shared/decimal.ts";
import { CodedError } from "../../shared/errors.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import { userName } from "../../shared/messages/summary.ts";
import { activationsFrom } from "../../shared/opr/assets.ts";
import { findSource, PRICE_SOURCES } from "../../shared/prices/registry.ts";
import { SETTINGS } from "../config/schema.ts";
import { devnetPrices, STAGES, type Stage } from "./stages.ts";

const url = v.pipe(v.string(), v.url("expected an address like http://host:8088/v2"));
const STAGE_NAMES = [
  "try",
  "dev",
  "small",
  "prod",
  "large",
] as const satisfies readonly (keyof typeof STAGES)[];
const given = {
  stage: v.optional(
    v.picklist([...STAGE_NAMES, "local"], `expected ${STAGE_NAMES.join(", ")} or local`),
    "dev",
  ),
  factomd: v.optional(url),
  coinbase: v.optional(
    v.pipe(v.string(), v.check(isValidFaAddress, "expected an FA… address with a valid checksum")),
  ),
  domain: v.optional(v.string()),
  stratumDomain: v.optional(
    v.pipe(
      v.string(),
      v.toLowerCase(),
      v.regex(
        /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
        "expected a name like mine.example.com",
      ),
    ),
  ),
  certificateArn: v.optional(
    v.pipe(v.string(), v.regex(/^arn:[\w-]+:acm:us-east-1:/, "expected a certificate in us-east-1")),
  ),
  alarmEmail: v.optional(v.pipe(v.string(), v.email("expected an e-mail address"))),
  mailFrom: v.optional(v.pipe(v.string(), v.email("expected an e-mail address"))),
  canaryUser: v.optional(userName),
  tasks: v.optional(
    v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.integer(), v.minValue(0)),
  ),
  devnetFeed: v.optional(url),
  originVersion: v.optional(
    v.pipe(v.string(), v.regex(/^[\w-]{32,64}$/, "expected the VersionId that put-secret-value printed")),
  ),
  roots: v.optional(v.picklist(["on", "off"], "expected on or off")),
  reserve: v.optional(v.picklist(["yes", "no"], "expected yes or no")),
};
const schema = v.object(given);

/** The known keys. */
export const CONTEXT_KEYS: readonly string[] = Object.keys(given);
export type Context = v.InferOutput<typeof schema>;

/** Throws CodedError `context` naming the key. */
export function readContext(get: (key: string) => unknown): Context {
  const parsed = v.safeParse(schema, Object.fromEntries(CONTEXT_KEYS.map((key) => [key, get(key)])));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError("context", `context ${v.getDotPath(issue)}: ${issue.message}`);
}

/** The stage with the values of the context. Throws CodedError `context` when a value is missing that a pool needs. */
export function stageOf(name: keyof typeof STAGES, context: Context): Stage {
  return completeStage(STAGES[name], context);
}

/** What `stageOf` does, for any stage. */
export function completeStage(base: Stage, context: Context): Stage {
  const { name } = base;
  const { factomd, coinbase, domain, certificateArn, stratumDomain, alarmEmail, tasks, devnetFeed, reserve } =
    context;
  const { originVersion, mailFrom, roots, canaryUser = base.canaryUser } = context;
  if ((domain === undefined) !== (certificateArn === undefined))
    throw new CodedError("context", "context domain and certificateArn: expected both or neither");
  const { concurrency, roots: usualRoots, ...rest } = base;
  const writtenRoots =
    roots === "on" ? (usualRoots ?? { batch: 1 }) : roots === "off" ? undefined : usualRoots;
  const stage: Stage = {
    ...rest,
    ...(concurrency === undefined || reserve === "no" ? {} : { concurrency }),
    pool: { ...base.pool, factomd: factomd ?? base.pool.factomd, coinbase: coinbase ?? base.pool.coinbase },
    edge: {
      ...{ ...base.edge, tasks: tasks ?? base.edge.tasks },
      ...(stratumDomain === undefined ? {} : { stratumDomain }),
    },
    web: {
      ...base.web,
      ...(domain !== undefined && certificateArn !== undefined
        ? { domain: { name: domain, certificateArn } }
        : {}),
      ...(originVersion === undefined ? {} : { originVersion }),
    },
    ...(writtenRoots && { roots: writtenRoots }),
    ...(mailFrom === undefined ? {} : { alerts: { ...base.alerts, mailFrom } }),
    ...(canaryUser === undefined ? {} : { canaryUser }),
    alarms: alarmEmail === undefined ? base.alarms : { ...base.alarms, email: alarmEmail },
    prices: devnetFeed === undefined ? base.prices : devnetPrices(devnetFeed),
  };
  checkPrices(stage);
  checkPages(stage);
  if (stage.pool.factomd === "") throw missing(name, "factomd", "http://HOST:8088/v2");
  if (stage.pool.coinbase === "") throw missing(name, "coinbase", "FA…");
  if (stage.isProtected && stage.alarms.email === undefined)
    throw new CodedError(
      "context",
      `stage ${name} is for real money and has no alarmEmail: pass -c alarmEmail=YOU@EXAMPLE.COM, or set alarms.email in infra/aws/stages.ts`,
    );
  if (stage.edge.hasTls && stage.edge.stratumDomain === undefined)
    throw new CodedError(
      "context",
      `stage ${name} has TLS and no stratumDomain: miners check the certificate against the name they connect by, and the balancer's own is in none; pass -c stratumDomain=NAME (the one in the certificate), or set edge.stratumDomain in infra/aws/stages.ts`,
    );
  return stage;
}

/** What the poll function would refuse at its start is refused here. Throws CodedErrors `price-config`, and `context` for a source without its key. */
export function checkPrices({ name, prices, pool }: Stage): void {
  const { hasKeys = false, fixed, ...settings } = prices;
  const keyed = Object.entries(prices.priorities).find(
    ([source, priority]) => priority !== -1 && findSource(source)?.needsKey === true,
  )?.[0];
  if (keyed !== undefined && !hasKeys)
    throw new CodedError(
      "context",
      `stage ${name}: the price source ${keyed} needs a key: put it into the secret prosper/${name}/prices as JSON ({"${keyed.toLowerCase()}key":"…"}), and set prices.hasKeys in infra/aws/stages.ts`,
    );
  pollOptionsOf(
    {
      ...{ single: [], limits: {}, ...settings, baseUrls: prices.urls },
      // Their names are known, what they are is not.
      keys: Object.fromEntries(PRICE_SOURCES.map((source) => [`${source.name.toLowerCase()}key`, "unknown"])),
      staleMs: prices.staleSeconds * 1000,
      fixed: Object.fromEntries(Object.entries(fixed).map(([asset, price]) => [asset, unitsOf(price)])),
    },
    {
      blockMs: pool.blockSeconds * 1000,
      activations: activationsFrom(pool.activation),
      startHeight: pool.startHeight,
    },
  );
}

/** What the pages are told is as the configuration of a pool of one's own would take it. Throws CodedError `context`. */
export function checkPages({ name, pool, web }: Stage): void {
  const { corsorigins, explorer } = SETTINGS.web;
  for (const [setting, { schema }, value] of [
    ["web.corsOrigins", corsorigins, web.corsOrigins?.join(",")],
    ["web.explorer", explorer, web.explorer],
    ["pool.payoutMinimum", SETTINGS.payout.minimum, pool.payoutMinimum],
  ] as const) {
    const { issues } = v.safeParse(v.optional(schema), value);
    if (issues !== undefined)
      throw new CodedError(
        "context",
        `stage ${name}: ${setting} of infra/aws/stages.ts: ${issues[0].message}`,
      );
  }
}

function missing(stage: string, key: string, form: string): CodedError {
  return new CodedError(
    "context",
    `stage ${stage} has no ${key}: pass -c ${key}=${form}, or set pool.${key} in infra/aws/stages.ts`,
  );
}
