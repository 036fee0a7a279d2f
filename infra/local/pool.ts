/** A whole pool in one process: edge, queue and functions, by the same handlers that run as Lambdas (DESIGN.md, "Shape"). */

import { Edge } from "../../edge/edge.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { type FolderLock, lockFolder } from "../../edge/lease/folder-lock.ts";
import { hearsJobs, loginOf } from "../../edge/stratum/session-state.ts";
import { createApiHandler } from "../../functions/api/handler.ts";
import type { Live, LiveSession } from "../../functions/api/live.ts";
import { createAuthHandler, createLocalAuth } from "../../functions/auth/handler.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { createWebAccounts } from "../../functions/auth/web-accounts.ts";
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
import type { Config } from "../config/schema.ts";
import { createLocalBooks, type LocalBooks } from "./books.ts";
import { createPoolMetrics, type PoolMetrics } from "./metrics.ts";
import { periodic } from "./periodic.ts";
import { edgeOptions, pollOptions } from "./pool-settings.ts";
import { startWeb, type Web } from "./web.ts";

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

/** Starts every part in the order of the data. Rejects with the first part's CodedError, after stopping those before it. */
export async function startPool(options: PoolOptions, modules: PoolModules): Promise<Pool> {
  const stop = new AbortController();
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await start(options, modules, stop, undo);
  } catch (error) {
    stop.abort();
    for (const step of undo.toReversed()) await step().catch(() => undefined);
    throw error;
  }
}

async function start(
  options: PoolOptions,
  modules: PoolModules,
  stop: AbortController,
  undo: (() => Promise<unknown>)[],
): Promise<Pool> {
  const { config } = options;
  const { clock, logger } = modules;
  const lock: FolderLock = lockFolder(options.folder);
  undo.push(async () => lock.release());
  const metrics = createPoolMetrics();
  const books = createPoolBooks(options, modules, metrics);
  undo.push(() => books.stop(DRAIN_MS));
  const prices = pollPrices(options, modules, stop.signal);
  undo.push(() => prices);
  const edge = await createPoolEdge(options, modules, { books, metrics });
  undo.push(() => edge.stop({ overMs: MINER_CLOSE_MS, signal: AbortSignal.timeout(DRAIN_MS) }));
  await edge.start(stop.signal);
  await books.startSealing();
  const web = await startPoolWeb(options, modules, { edge, metrics });
  undo.push(() => web.stop());
  logger.info("the pool runs", { stratum: edge.listening?.port, web: web.port });
  const host = config.stratum.host === "0.0.0.0" ? "127.0.0.1" : config.stratum.host;
  return {
    web,
    edge,
    stratum: `${host}:${edge.listening?.port ?? 0}`,
    async stop() {
      stop.abort();
      for (const step of undo.toReversed()) {
        await step().catch((error: unknown) =>
          logger.error("a part did not stop cleanly", { error: String(error) }),
        );
      }
      void clock;
    },
  };
}

function createPoolBooks(options: PoolOptions, modules: PoolModules, metrics: PoolMetrics): LocalBooks {
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
      onSealed: (block) => {
        metrics.sealed(block);
        modules.onSealed(block);
      },
    },
  );
}

/** Polls until `signal`; the first poll is under way when this returns. */
function pollPrices(options: PoolOptions, modules: PoolModules, signal: AbortSignal): Promise<void> {
  const settings = pollOptions(options.config, options.priceUrls);
  const poll = createLocalPoll(
    createPollHandler(settings, { ...modules, fetch, cache: createSourceCache() }),
  );
  return periodic(
    { name: "poll", everyMs: Math.min(60_000, settings.cacheMs), run: poll },
    { ...modules, signal },
  );
}

function createPoolEdge(
  options: PoolOptions,
  modules: PoolModules,
  parts: { books: LocalBooks; metrics: PoolMetrics },
): Promise<Edge> {
  const { db, random, logger } = modules;
  const passwords = createPasswords({}, { random });
  const openRegistration = options.config.pool.registration === "open";
  return Edge.create(edgeOptions(options.config, options.folder), {
    ...modules,
    newestPrices: () => newestPrices(db),
    queue: parts.books.queue,
    auth: createLocalAuth(createAuthHandler({ openRegistration }, { db, passwords, logger })),
    disk: nodeDisk,
    metrics: parts.metrics.stratum,
    onBlock: () => void parts.books.seal(),
  }).then((edge) => {
    parts.metrics.watch(edge);
    return edge;
  });
}

async function startPoolWeb(
  options: PoolOptions,
  modules: PoolModules,
  parts: { edge: Edge; metrics: PoolMetrics },
): Promise<Web> {
  const { config } = options;
  const { random } = modules;
  const openRegistration = config.pool.registration === "open";
  const accounts = createWebAccounts(
    { openRegistration },
    { ...modules, passwords: createPasswords({}, { random }) },
  );
  const handler = createApiHandler(
    {
      poolName: config.pool.opridentity,
      version: options.version,
      blockSeconds: config.pegnet.blockperiod / 1000,
      registration: config.pool.registration,
      stratum: { port: parts.edge.listening?.port ?? config.stratum.stratumport },
      lxrBits: options.lxrBits,
    },
    { ...modules, accounts, live: liveOf(parts.edge), health: async () => healthOf(parts.edge) },
  );
  return startWeb(
    { host: config.web.host, port: config.web.port },
    { handler, logger: modules.logger, metrics: parts.metrics.registry },
  );
}

/** What only the edge knows, for the dashboard. */
function liveOf(edge: Edge): Live {
  return {
    minute: () => edge.minutes.minute(),
    height: () => edge.follower.topHeight(),
    connections: () => edge.stratum.stats().connections,
    submitSync: () => ({
      submitting: edge.minutes.isOpen(),
      submitHeight: (edge.follower.topHeight() ?? -1) + 1,
      syncing: edge.minutes.minute() !== undefined,
      lastNonZeroHeight: edge.follower.topHeight() ?? 0,
    }),
    sessions: () => [...edge.stratum.sessions()].map(liveSession),
  };
}

function liveSession(
  session: ReturnType<Edge["stratum"]["sessions"]> extends IterableIterator<infer S> ? S : never,
): LiveSession {
  const login = loginOf(session.state);
  return {
    id: session.id,
    user: login?.user ?? null,
    worker: login?.worker ?? null,
    agent: session.agent,
    address: session.remoteAddress,
    subscribed: hearsJobs(session.state),
    authorized: login !== undefined,
    target: session.target ?? null,
    noncePrefix: session.prefixes[0] ?? null,
  };
}

function healthOf(edge: Edge): Record<string, string> {
  return {
    lease: edge.desk.stats()?.leaseHeld
      ? "ok"
      : "this edge may not acknowledge shares: is the database away?",
    chain: edge.follower.topHeight() === undefined ? "factomd was not reached yet" : "ok",
    job: edge.job === undefined ? "there is no job to mine" : "ok",
  };
}
