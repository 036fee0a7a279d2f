/**
 * `prosper edge` as one of many: miners, shares and chain in this process, or in several that it starts; summaries go to SQS, logins to the auth
 * Lambda, and prices, books and pages are made by functions elsewhere (docs/design.md, "Shape").
 */

import { createLambdaAuth } from "../../edge/aws/lambda-auth.ts";
import { createSqsSender } from "../../edge/aws/sqs-sender.ts";
import { hostAndPort, localHost } from "../../edge/stratum/listen-on.ts";
import type { AwsOptions } from "../../shared/aws/call.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { type OnStop, startParts } from "../parts.ts";
import { startEdgeProcesses } from "./edge-processes.ts";
import { startEdgeWeb } from "./edge-web.ts";
import { type EdgeFunctions, startLoneEdge } from "./lone-edge.ts";
import { createPoolMetrics, type PoolMetrics } from "./metrics.ts";
import { edgeOptions } from "./pool-settings.ts";
import { type OpenTable, tableForProcesses } from "./process-table.ts";
import type { Web } from "./web.ts";

/** Where the functions are. */
export interface FunctionsElsewhere {
  readonly queueUrl: string;
  readonly authFunction: string;
}

/** What the [aws] section says; undefined: the functions run in this process. Throws CodedError `config` where only one of two is set. */
export function functionsElsewhere({ aws }: Config): FunctionsElsewhere | undefined {
  const { queueurl: queueUrl, authfunction: authFunction } = aws;
  if (queueUrl === "" && authFunction === "") return undefined;
  if (queueUrl !== "" && authFunction !== "") return { queueUrl, authFunction };
  const [missing, variable] =
    queueUrl === "" ? ["queueurl", "PROSPER_QUEUE_URL"] : ["authfunction", "PROSPER_AUTH_FUNCTION"];
  throw new CodedError(
    "config",
    `aws.${missing} (${variable}) is not set: one of many edges needs both the queue and the auth function; without either, the functions run in this process`,
  );
}

export interface FleetEdgeOptions {
  readonly config: Config;
  readonly functions: FunctionsElsewhere;
  /** Journal and identity. */
  readonly dataDir: string;
  /** Where edge processes find the database; undefined: no server is named. */
  readonly databaseUrl: string | undefined;
}

export interface FleetEdgeModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly openTable: OpenTable;
  /** With a schema that fits: it was checked, and is not changed from here. */
  readonly openDatabase: () => Promise<{ db: Db; close: () => Promise<void> }>;
  readonly onFatal: (error: CodedError) => void;
  /** Where secrets are read. */
  readonly aws: AwsOptions;
  /** Takes lines for CloudWatch (section [aws], `stage`). */
  readonly write: (line: string) => void;
}

export interface FleetEdge {
  /** `host:port` where miners connect. */
  readonly stratum: string;
  /** Its health and metrics. */
  readonly web: string;
  readonly factomd: string;
  /** Closes the miners in waves over `aws.drain`, then hands over everything that was acknowledged. */
  stop(): Promise<void>;
}

/** A cut at least every second: what is not in the queue yet is lost with the container's disk and host. */
const CUT_MS = 1_000;

/** Starts everything; what is already running is stopped when a later part fails. Rejects with CodedErrors that name what to change. */
export function startFleetEdge(options: FleetEdgeOptions, modules: FleetEdgeModules): Promise<FleetEdge> {
  const { config } = options;
  const metrics = createPoolMetrics();
  const logger = metrics.counting(modules.logger);
  const { processes } = config.stratum;
  const start = processes === 1 ? startOne : startSeveral;
  return startParts(logger, async (onStop) => {
    const { port, web } = await start(options, { ...modules, logger, metrics }, onStop);
    return {
      stratum: hostAndPort(localHost(config.stratum.host), port),
      web: web.url,
      factomd: config.factom.factomdlocation,
    };
  });
}

type Measured = FleetEdgeModules & { readonly metrics: PoolMetrics };

async function startOne(
  { config, dataDir: folder, functions }: FleetEdgeOptions,
  modules: Measured,
  onStop: OnStop,
): Promise<{ port: number; web: Web }> {
  const { logger, metrics } = modules;
  let web: Web | undefined;
  const { edge, stop } = await startLoneEdge(
    {
      ...{ config, folder, cutMs: CUT_MS, drainMs: config.aws.drain },
      ...{ processes: 1, watches: true, retires: true, tellsPages: true },
    },
    {
      ...modules,
      connect: (onStop) => connectFunctions(functions, onStop),
      async onHealth(health, _edge, onStop) {
        const started = await startEdgeWeb(config, { health, metrics: metrics.registry, logger });
        onStop(() => started.stop());
        web = started;
      },
    },
  );
  onStop(stop);
  if (web === undefined) throw new Error("the edge has started without its health");
  return { port: edge.listening?.port ?? 0, web };
}

async function startSeveral(
  { config, dataDir: folder, functions, databaseUrl }: FleetEdgeOptions,
  modules: Measured,
  onStop: OnStop,
): Promise<{ port: number; web: Web }> {
  const { clock, logger, metrics, aws } = modules;
  // A wrong setting is reported before anything slow begins.
  edgeOptions(config, folder);
  if (databaseUrl === undefined)
    throw new CodedError(
      "config",
      "stratum.processes is more than 1, and no database server is named: set DATABASE_URL or the [database] section",
    );
  const tableFile = (await tableForProcesses(config, modules.openTable))?.file;
  const edges = startEdgeProcesses(
    { config, folder, databaseUrl, tableFile, functions, aws, cutMs: CUT_MS, drainMs: config.aws.drain },
    { clock, logger },
  );
  onStop(() => edges.stop());
  // Before they wait for a slot: an edge that waits is alive.
  const { health } = edges;
  const web = await startEdgeWeb(config, { health, metrics: edges.metrics(metrics.registry), logger });
  onStop(() => web.stop());
  return { port: (await edges.started).port, web };
}

/** The queue and the auth function, as the edge calls them. */
export function connectFunctions(
  { queueUrl, authFunction }: FunctionsElsewhere,
  onStop: OnStop,
): EdgeFunctions {
  const queue = createSqsSender({ queueUrl });
  onStop(async () => queue.close());
  const auth = createLambdaAuth({ functionName: authFunction });
  onStop(async () => auth.close());
  return { queue, auth };
}
