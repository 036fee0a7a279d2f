/** The stacks of one stage. Each is made after the stacks that it needs. */

import { join } from "node:path";
import { type App, RemovalPolicy, Tags } from "aws-cdk-lib";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import { Architecture } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { schemaHash } from "../../shared/db/migrate.ts";
import { rolesHash } from "../../shared/db/roles.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Bundles } from "./bundle.ts";
import { asBucket } from "./cdk-types.ts";
import { ControlStack } from "./control-stack.ts";
import { DataStack } from "./data-stack.ts";
import { DevnetStack, feedOf } from "./devnet-stack.ts";
import { EdgeStack } from "./edge-stack.ts";
import { NetworkStack } from "./network-stack.ts";
import { ObserveStack } from "./observe-stack.ts";
import { logRetention } from "./retention.ts";
import { devnetPrices, STRATUM_PORT, STRATUM_TLS_PORT, type Stage } from "./stages.ts";
import { WebStack } from "./web-stack.ts";

export interface PoolAppOptions {
  readonly bundles: Bundles;
  /** Of this program. */
  readonly version: string;
}

export interface PoolStacks {
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly control: ControlStack;
  readonly edge: EdgeStack;
  readonly web: WebStack;
  readonly observe: ObserveStack;
  /** Undefined where the stage has no Factom network of its own. */
  readonly devnet: DevnetStack | undefined;
}

const ROOT = join(import.meta.dirname, "../..");

/** Adds the six stacks of a stage to the app, and a seventh where it has a Factom network of its own. */
export function addPool(app: App, stage: Stage, options: PoolAppOptions): PoolStacks {
  const { bundles, version } = options;
  const idOf = (capability: string): string => `Prosper-${stage.name}-${capability}`;
  const common = { stage, terminationProtection: stage.isProtected };
  const network = new NetworkStack(app, idOf("network"), common);
  const data = new DataStack(app, idOf("data"), { ...common, network });
  const originSecret = makeOriginSecret(data, stage);
  const receiptSecret = makeReceiptSecret(data, stage);
  const control = new ControlStack(app, idOf("control"), {
    terminationProtection: stage.isProtected,
    functions: {
      stage: stage.name,
      bundles,
      database: data.access,
      logDays: logRetention(stage.logDays),
      architecture: Architecture.ARM_64,
      extraEnvironment: {},
    },
    pool: stage.pool,
    prices: stage.devnet === undefined ? stage.prices : devnetPrices(feedOf(network)),
    stratum: {
      host: stage.edge.stratumDomain ?? network.balancer.loadBalancerDnsName,
      port: STRATUM_PORT,
      ...(stage.edge.hasTls ? { tlsPort: STRATUM_TLS_PORT } : {}),
    },
    ...(stage.canaryUser === undefined ? {} : { canaryUser: stage.canaryUser }),
    version,
    schema: schemaOf(),
    isAurora: true,
    originSecret,
    ...(stage.web.corsOrigins && { corsOrigins: stage.web.corsOrigins }),
    ...(stage.web.explorer && { explorer: stage.web.explorer }),
    receiptSecret,
    rootsBatch: stage.roots?.batch ?? 0,
    mailFrom: stage.alerts?.mailFrom ?? "",
    archive: asBucket(data.archive),
    isScheduled: stage.edge.tasks > 0,
    ...(stage.concurrency === undefined ? {} : { concurrency: stage.concurrency }),
    ...(stage.books === undefined ? {} : { books: stage.books }),
    ...(stage.alarms.rewardlessBlocks === undefined
      ? {}
      : { rewardlessBlocks: stage.alarms.rewardlessBlocks }),
  });
  const image = ContainerImage.fromAsset(ROOT, {
    file: "edge/Dockerfile",
    platform: Platform.LINUX_ARM64,
    buildArgs: { LXR_BITS: `${stage.pool.lxrBits}` },
  });
  const devnet =
    stage.devnet === undefined
      ? undefined
      : new DevnetStack(app, idOf("devnet"), { ...common, devnet: stage.devnet, network, image });
  const edge = new EdgeStack(app, idOf("edge"), { ...common, network, data, control, image });
  // An edge that finds no factomd waits, and a deployment with it.
  if (devnet !== undefined) edge.addStackDependency(devnet);
  const web = new WebStack(app, idOf("web"), { ...common, url: control.url, originSecret });
  const observe = new ObserveStack(app, idOf("observe"), { ...common, control, data, edge });
  Tags.of(app).add("prosper:stage", stage.name);
  return { network, data, control, edge, web, observe, devnet };
}

/** The name of the secret between CloudFront and the api function. */
function makeOriginSecret(data: DataStack, stage: Stage): string {
  const secretName = `prosper/${stage.name}/origin`;
  const secret = new Secret(data, "OriginSecret", {
    secretName,
    description: "What CloudFront sends to the api function to prove itself",
    generateSecretString: { excludePunctuation: true, passwordLength: 40 },
  });
  acknowledge(secret, {
    SMG4: "It protects a rate limit only; docs/aws.md changes it by two commands.",
  });
  return secretName;
}

/** Receipts are checked for years, so their key is kept where the books are. */
function makeReceiptSecret(data: DataStack, stage: Stage): string {
  const secretName = `prosper/${stage.name}/receipts`;
  const secret = new Secret(data, "ReceiptSecret", {
    secretName,
    description: "What the key that signs receipts is made of",
    generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    removalPolicy: stage.isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  acknowledge(secret, {
    SMG4: "A new key must keep the old one beside it; docs/aws.md changes it by one command.",
  });
  return secretName;
}

/** Changes with the migrations and the rights of the roles. */
export function schemaOf(): string {
  return sha256Hex(`${schemaHash()} ${rolesHash()}`).slice(0, 16);
}
