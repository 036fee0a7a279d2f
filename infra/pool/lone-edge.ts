/** One edge whose books, logins, prices and pages are elsewhere: in Lambda functions, or in the process that started this one. */

import { EntryCredits } from "../../edge/chain/entry-credits.ts";
import { askDatabase } from "../../edge/database-probe.ts";
import { Edge } from "../../edge/edge.ts";
import { EdgeHealth } from "../../edge/health.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import type { Siblings } from "../../edge/stratum/edge-backend.ts";
import type { AwsOptions } from "../../shared/aws/call.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { watchClocks } from "../../shared/clock-watch.ts";
import type { Db } from "../../shared/db/port.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { KeyPair } from "../../shared/factom/ed25519.ts";
import { LxrPool } from "../../shared/hash/pool.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Auth } from "../../shared/messages/login.ts";
import type { QueueSender } from "../../shared/queue.ts";
import type { Config } from "../config/schema.ts";
import { type OnStop, startParts } from "../parts.ts";
import { certificateSecret, watchCertificate } from "./certificate.ts";
import { reportEdge } from "./edge-report.ts";
import { connectFactomd } from "./factomd.ts";
import { requireFit } from "./factomd-fits.ts";
import { hashingThreads } from "./hashing-threads.ts";
import { creditAddress } from "./key-addresses.ts";
import { retireLeftEdges } from "./left-edges.ts";
import type { PoolMetrics } from "./metrics.ts";
import { edgeOptions } from "./pool-settings.ts";

export interface LoneEdgeOptions {
  readonly config: Config;
  /** Journal and identity. */
  readonly folder: string;
  /** The longest time between two cuts, where that is less than the usual one. */
  readonly cutMs?: number;
  /** Time over which the miners are closed when it stops. */
  readonly drainMs: number;
  /** Edge processes beside it, itself included. */
  readonly processes: number;
  /** Watches this machine's clock and the entry credits: one edge of a machine, where no other part does. */
  readonly watches: boolean;
  /** Its pages run elsewhere, and read what becomes of new miners from the database. */
  readonly tellsPages: boolean;
  /** Sends what the edges left whose processes are not started any more (infra/pool/left-edges.ts): one edge of a data folder. */
  readonly retires: boolean;
}

/** What an edge sends to others. */
export interface EdgeFunctions {
  readonly queue: QueueSender;
  readonly auth: Auth;
}

export interface LoneEdgeModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PoolMetrics;
  readonly openTable: (bits: number) => Promise<SharedTable>;
  /** With a schema that fits: it was checked, and is not changed from here. */
  readonly openDatabase: () => Promise<{ db: Db; close: () => Promise<void> }>;
  /** The other edge processes of this machine. */
  readonly siblings?: Siblings;
  /** Signs roots on the chain; without it they are signed elsewhere. */
  readonly receiptKey?: KeyPair;
  readonly connect: (onStop: OnStop) => EdgeFunctions;
  /** Called before it waits for a slot: an edge that waits is alive. */
  readonly onHealth: (health: EdgeHealth, edge: Edge, onStop: OnStop) => Promise<void>;
  readonly onFatal: (error: CodedError) => void;
  /** Where secrets are read; without it the certificate comes from files. */
  readonly aws?: AwsOptions;
  /** Takes lines for CloudWatch (section [aws], `stage`). */
  readonly write: (line: string) => void;
}

export interface LoneEdge {
  readonly edge: Edge;
  /** Closes the miners in waves over `drainMs`, then hands over everything that was acknowledged. */
  stop(): Promise<void>;
}

/** For the last summaries, after the miners are gone; the journal keeps what is left. */
export const HAND_OVER_MS = 30_000;

/** Starts everything; what is already running is stopped when a later part fails. Rejects with CodedErrors that name what to change. */
export function startLoneEdge(options: LoneEdgeOptions, modules: LoneEdgeModules): Promise<LoneEdge> {
  const { config, folder, drainMs } = options;
  const { clock, random, logger, metrics } = modules;
  return startParts(logger, async (onStop, stopping) => {
    // A wrong setting is reported before anything slow begins.
    const settings = edgeOptions(config, folder);
    const lock = lockFolder(folder);
    onStop(async () => lock.release());
    const { db, close } = await modules.openDatabase();
    onStop(close);
    const table = await modules.openTable(config.pegnet.lxrbits);
    const hasher = new LxrPool({ table, threads: hashingThreads(table.bits, options.processes) }, { logger });
    onStop(() => hasher.close());
    const { queue, auth } = modules.connect(onStop);
    const factomd = connectFactomd(config.factom.factomdlocation, { clock, random, logger });
    await requireFit(factomd, config, { logger });
    const cutEveryMs = Math.min(options.cutMs ?? settings.cutEveryMs, settings.blockMs / 5);
    const edge = await Edge.create(
      { ...settings, cutEveryMs, tellsPages: options.tellsPages },
      {
        ...{ db, queue, auth, hasher, clock, random, logger },
        factomd,
        newestPrices: () => newestPrices(db),
        disk: nodeDisk,
        metrics: metrics.stratum,
        // Nothing to do: the books seal by a timer.
        onBlock: () => undefined,
        ...(modules.siblings && { siblings: modules.siblings }),
        ...(modules.receiptKey && { receiptKey: modules.receiptKey }),
        onFatal: modules.onFatal,
      },
    );
    onStop(() => edge.stop({ overMs: drainMs, signal: AbortSignal.timeout(drainMs + HAND_OVER_MS) }));
    metrics.watch(edge);
    const health = new EdgeHealth({ blockMs: settings.blockMs }, edge, {
      clock,
      askDatabase: () => askDatabase(db),
    });
    const looking = health.run(stopping);
    onStop(() => looking);
    await modules.onHealth(health, edge, onStop);
    await edge.start(stopping);
    if (options.retires) {
      const left = { folder, processes: options.processes, blockMs: settings.blockMs };
      const retiring = retireLeftEdges(left, { db, queue, clock, random, logger, signal: stopping });
      onStop(() => retiring);
    }
    const certificate = watchCertificate(
      config,
      edge.listeningTls,
      { clock, logger, signal: stopping },
      modules.aws && certificateSecret(config, modules.aws),
    );
    onStop(async () => certificate?.running);
    const certificateDays = (): number | undefined => certificate?.watch.daysLeft();
    let credits: EntryCredits | undefined;
    if (options.watches) {
      const watching = watchClocks({ db, clock, logger, signal: stopping });
      onStop(() => watching);
      const address = creditAddress(config.pool.esaddress);
      credits = new EntryCredits({ address, blockMs: settings.blockMs }, { db, factomd, clock, logger });
      const counting = credits.run(stopping);
      onStop(() => counting);
    }
    const entryCreditDays = (): number | undefined => credits?.daysLeft();
    metrics.runOut({ certificate: certificateDays, ...(credits && { entryCredits: credits }) });
    const { stage } = config.aws;
    if (stage !== "") {
      const reporting = reportEdge({ stage }, edge, {
        ...{ clock, logger, metrics, health, signal: stopping, write: modules.write },
        ...{ certificateDays, entryCreditDays },
      });
      onStop(() => reporting);
    }
    return { edge };
  });
}
