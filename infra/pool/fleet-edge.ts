/**
 * `prosper edge` as one of many: miners, shares and chain in this process; summaries go to SQS, logins to the auth Lambda, and prices, books
 * and pages are made by functions elsewhere (docs/design.md, "Shape").
 */

import { createLambdaAuth } from "../../edge/aws/lambda-auth.ts";
import { createSqsSender } from "../../edge/aws/sqs-sender.ts";
import { EntryCredits } from "../../edge/chain/entry-credits.ts";
import { askDatabase } from "../../edge/database-probe.ts";
import { Edge } from "../../edge/edge.ts";
import { EdgeHealth } from "../../edge/health.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { hostAndPort, localHost } from "../../edge/stratum/listen-on.ts";
import type { AwsOptions } from "../../shared/aws/call.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { watchClocks } from "../../shared/clock-watch.ts";
import type { Db } from "../../shared/db/port.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import { CodedError } from "../../shared/errors.ts";
import { LxrPool } from "../../shared/hash/pool.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { startParts } from "../parts.ts";
import { certificateSecret, watchCertificate } from "./certificate.ts";
import { reportEdge } from "./edge-report.ts";
import { startEdgeWeb } from "./edge-web.ts";
import { connectFactomd } from "./factomd.ts";
import { requireFit } from "./factomd-fits.ts";
import { hashingThreads } from "./hashing-threads.ts";
import { creditAddress } from "./key-addresses.ts";
import { createPoolMetrics } from "./metrics.ts";
import { edgeOptions } from "./pool-settings.ts";

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
}

export interface FleetEdgeModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly openTable: (bits: number) => Promise<SharedTable>;
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
/** For the last summaries, after the miners are gone; the journal keeps what is left. */
const HAND_OVER_MS = 30_000;

/** Starts everything; what is already running is stopped when a later part fails. Rejects with CodedErrors that name what to change. */
export function startFleetEdge(options: FleetEdgeOptions, modules: FleetEdgeModules): Promise<FleetEdge> {
  const { config, dataDir, functions } = options;
  const { clock, random } = modules;
  const metrics = createPoolMetrics();
  const logger = metrics.counting(modules.logger);
  return startParts(logger, async (onStop, stopping) => {
    // A wrong setting is reported before anything slow begins.
    const settings = edgeOptions(config, dataDir);
    const lock = lockFolder(dataDir);
    onStop(async () => lock.release());
    const { db, close } = await modules.openDatabase();
    onStop(close);
    const table = await modules.openTable(config.pegnet.lxrbits);
    const hasher = new LxrPool({ table, threads: hashingThreads(table.bits) }, { logger });
    onStop(() => hasher.close());
    const queue = createSqsSender({ queueUrl: functions.queueUrl });
    onStop(async () => queue.close());
    const auth = createLambdaAuth({ functionName: functions.authFunction });
    onStop(async () => auth.close());
    const url = config.factom.factomdlocation;
    const factomd = connectFactomd(url, { clock, random, logger });
    await requireFit(factomd, config, { logger });
    const edge = await Edge.create(
      { ...settings, cutEveryMs: Math.min(CUT_MS, settings.blockMs / 5) },
      {
        ...{ db, queue, auth, hasher, clock, random, logger },
        factomd,
        newestPrices: () => newestPrices(db),
        disk: nodeDisk,
        metrics: metrics.stratum,
        // Nothing to do: the janitor seals, within a minute of the reward.
        onBlock: () => undefined,
        onFatal: modules.onFatal,
      },
    );
    onStop(() => {
      const overMs = config.aws.drain;
      return edge.stop({ overMs, signal: AbortSignal.timeout(overMs + HAND_OVER_MS) });
    });
    const watching = watchClocks({ db, clock, logger, signal: stopping });
    onStop(() => watching);
    metrics.watch(edge);
    const health = new EdgeHealth({ blockMs: settings.blockMs }, edge, {
      clock,
      askDatabase: () => askDatabase(db),
    });
    const looking = health.run(stopping);
    onStop(() => looking);
    // Before it waits for a slot: an edge that waits is alive.
    const web = await startEdgeWeb(config, { health, metrics, logger });
    onStop(() => web.stop());
    await edge.start(stopping);
    const address = creditAddress(config.pool.esaddress);
    const credits = new EntryCredits({ address, blockMs: settings.blockMs }, { db, factomd, clock, logger });
    const counting = credits.run(stopping);
    onStop(() => counting);
    const certificate = watchCertificate(
      config,
      edge.listeningTls,
      { clock, logger, signal: stopping },
      certificateSecret(config.aws.edgesecret, modules.aws),
    );
    onStop(async () => certificate?.running);
    const days = {
      certificate: () => certificate?.watch.daysLeft(),
      entryCredits: () => credits.daysLeft(),
    };
    metrics.runOut(days);
    const { stage } = config.aws;
    if (stage !== "") {
      const reporting = reportEdge({ stage }, edge, {
        ...{ clock, logger, metrics, health, signal: stopping, write: modules.write },
        ...{ certificateDays: days.certificate, entryCreditDays: days.entryCredits },
      });
      onStop(() => reporting);
    }
    return {
      stratum: hostAndPort(localHost(config.stratum.host), edge.listening?.port ?? 0),
      web: web.url,
      factomd: url,
    };
  });
}
