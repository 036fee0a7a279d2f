/** A whole pool in one process: edge, queue and functions, by the same handlers that run as Lambdas (docs/design.md, "Shape"). */

import { EntryCredits } from "../../edge/chain/entry-credits.ts";
import { askDatabase } from "../../edge/database-probe.ts";
import { Edge } from "../../edge/edge.ts";
import { EdgeHealth } from "../../edge/health.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { type FolderLock, lockFolder } from "../../edge/lease/folder-lock.ts";
import { hostAndPort, localHost } from "../../edge/stratum/listen-on.ts";
import { createAuthHandler, createLocalAuth } from "../../functions/auth/handler.ts";
import { createLockout } from "../../functions/auth/lockout.ts";
import { createPasswords, type Passwords } from "../../functions/auth/password.ts";
import { createLocalPoll, createPollHandler } from "../../functions/poll/handler.ts";
import { createSourceCache } from "../../functions/poll/source-cache.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { Config } from "../config/schema.ts";
import { startParts } from "../parts.ts";
import { watchCertificate } from "./certificate.ts";
import { watchDatabase } from "./database-outage.ts";
import { creditAddress } from "./key-addresses.ts";
import { createLocalBooks, type LocalBooks } from "./local-accounting.ts";
import type { PoolMetrics } from "./metrics.ts";
import { edgeOptions, pollOptions, workerLimits } from "./pool-settings.ts";
import { startPoolWeb } from "./pool-web.ts";
import { ensureReceiptKey } from "./receipt-key.ts";
import type { Web } from "./web.ts";

export interface PoolOptions {
  config: Config;
  /** The edge's folder: identity, lock and journal. */
  folder: string;
  version: string;
  lxrBits: number;
  /** How long a missing close marker is waited for. */
  sealDeadlineMs: number;
  /** Addresses of price sources that have none of their own. */
  priceUrls?: Record<string, string>;
}

export interface PoolModules {
  db: Db;
  factomd: Factomd;
  hasher: Hasher;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: PoolMetrics;
  onSealed: (block: SealedBlock) => void;
  /** The pool cannot go on: end the process. */
  onFatal: (error: CodedError) => void;
}

export interface Pool {
  readonly web: Web;
  readonly edge: Edge;
  /** `host:port` where miners connect. */
  readonly stratum: string;
  /** Hands over everything that was acknowledged, then closes. */
  stop(): Promise<void>;
}

/** How long a stop may spend on handing over; the journal keeps what is left. */
const DRAIN_MS = 10_000;
const MINER_CLOSE_MS = 200;

/** Starts the parts: first those that take data (books, prices), then those that make it (edge, pages). Rejects with the first part's CodedError, after stopping those before it. */
export function startPool(options: PoolOptions, handed: PoolModules): Promise<Pool> {
  const { config } = options;
  const { logger } = handed;
  return startParts(logger, async (onStop, stopping) => {
    const modules = { ...handed, ...watchDatabase(handed) };
    const lock: FolderLock = lockFolder(options.folder);
    onStop(async () => lock.release());
    const books = createPoolBooks(options, modules);
    onStop(() => books.stop(DRAIN_MS));
    const prices = pollPrices(options, modules, stopping);
    onStop(() => prices);
    const passwords = createPasswords({}, { random: modules.random });
    const edge = await createPoolEdge(options, modules, { books, passwords });
    onStop(() => edge.stop({ overMs: MINER_CLOSE_MS, signal: AbortSignal.timeout(DRAIN_MS) }));
    await edge.start(stopping);
    const certificate = watchCertificate(config, edge.listeningTls, { ...modules, signal: stopping });
    onStop(async () => certificate?.running);
    const credits = new EntryCredits(
      { address: creditAddress(config.pool.esaddress), blockMs: config.pegnet.blockperiod },
      modules,
    );
    const counting = credits.run(stopping);
    onStop(() => counting);
    modules.metrics.runOut({
      certificate: () => certificate?.watch.daysLeft(),
      entryCredits: () => credits.daysLeft(),
    });
    const health = new EdgeHealth({ blockMs: config.pegnet.blockperiod }, edge, {
      clock: modules.clock,
      askDatabase: () => askDatabase(modules.db),
    });
    const looking = health.run(stopping);
    onStop(() => looking);
    await books.startSealing();
    const receiptKeys = await ensureReceiptKey(options.folder, modules.random);
    const web = await startPoolWeb(options, { ...modules, edge, health, passwords, receiptKeys });
    onStop(() => web.stop());
    logger.info("the pool runs", {
      stratum: edge.listening?.port,
      tls: edge.listeningTls?.port,
      web: web.port,
    });
    const stratum = hostAndPort(localHost(config.stratum.host), edge.listening?.port ?? 0);
    return { web, edge, stratum };
  });
}

function createPoolBooks(options: PoolOptions, modules: PoolModules): LocalBooks {
  const blockMs = options.config.pegnet.blockperiod;
  return createLocalBooks(
    {
      deadlineMs: options.sealDeadlineMs,
      epochGraceMs: blockMs,
      janitorEveryMs: Math.min(60_000, blockMs),
      queue: { deadLetterFile: `${options.folder}/dead-letters.jsonl` },
    },
    {
      ...modules,
      workerLimits: workerLimits(options.config),
      onSealed: (block) => {
        modules.metrics.sealed(block);
        modules.onSealed(block);
      },
      onChecked: modules.metrics.checked,
    },
  );
}

/** Polls until `signal`; the first poll is under way when this returns. */
function pollPrices(options: PoolOptions, modules: PoolModules, signal: AbortSignal): Promise<void> {
  const settings = pollOptions(options.config, options.priceUrls);
  const poll = createLocalPoll(
    createPollHandler(settings, { ...modules, fetch, cache: createSourceCache() }),
  );
  return runEvery(
    { name: "poll", everyMs: Math.min(60_000, settings.cacheMs), run: poll },
    { ...modules, signal },
  );
}

function createPoolEdge(
  options: PoolOptions,
  modules: PoolModules,
  parts: { books: LocalBooks; passwords: Passwords },
): Promise<Edge> {
  const { db, logger } = modules;
  const openRegistration = options.config.pool.registration === "open";
  const edge = edgeOptions(options.config, options.folder);
  const lockout = createLockout({ limit: edge.guesses }, modules);
  return Edge.create(edge, {
    ...modules,
    newestPrices: () => newestPrices(db),
    queue: parts.books.queue,
    auth: createLocalAuth(
      createAuthHandler({ openRegistration }, { db, passwords: parts.passwords, logger, lockout }),
    ),
    disk: nodeDisk,
    metrics: modules.metrics.stratum,
    onBlock: () => void parts.books.seal(),
  }).then((edge) => {
    modules.metrics.watch(edge);
    return edge;
  });
}
