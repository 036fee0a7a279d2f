/** A whole pool in one process: edge, queue and functions, by the same handlers that run as Lambdas (docs/design.md, "Shape"). */

import { dirname } from "node:path";
import { EntryCredits } from "../../edge/chain/entry-credits.ts";
import { askDatabase } from "../../edge/database-probe.ts";
import { Edge } from "../../edge/edge.ts";
import { EdgeHealth } from "../../edge/health.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { type FolderLock, lockFolder } from "../../edge/lease/folder-lock.ts";
import { hostAndPort, localHost } from "../../edge/stratum/listen-on.ts";
import type { Live } from "../../functions/api/live.ts";
import type { SightingsReader } from "../../functions/api/sightings.ts";
import { createAuthHandler, createLocalAuth } from "../../functions/auth/handler.ts";
import { createLockout } from "../../functions/auth/lockout.ts";
import { createPasswords, type Passwords } from "../../functions/auth/password.ts";
import { createLocalPoll, createPollHandler } from "../../functions/poll/handler.ts";
import { createSourceCache, type SourceCache } from "../../functions/poll/source-cache.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { TWO } from "../../shared/db/payout-approvals.ts";
import type { Db } from "../../shared/db/port.ts";
import { newestPrices } from "../../shared/db/prices.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import type { KeyPair } from "../../shared/factom/ed25519.ts";
import { createPegnetd } from "../../shared/factom/pegnetd.ts";
import type { Hasher, NonceSearch } from "../../shared/hash/hasher.ts";
import type { Health } from "../../shared/health.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Auth } from "../../shared/messages/login.ts";
import { runEvery } from "../../shared/run-every.ts";
import { runCanary } from "../canary/canary.ts";
import type { Config } from "../config/schema.ts";
import { createCockpit } from "../doctor/cockpit.ts";
import { patientOf } from "../doctor/patient.ts";
import { type OnStop, startParts } from "../parts.ts";
import { archiveSettings } from "./archive.ts";
import { watchCertificate } from "./certificate.ts";
import { watchDatabase } from "./database-outage.ts";
import { startEdgeProcesses } from "./edge-processes.ts";
import { creditAddress } from "./key-addresses.ts";
import { retireLeftEdges } from "./left-edges.ts";
import { liveOf } from "./live.ts";
import { createLocalBooks, type LocalBooks } from "./local-accounting.ts";
import { localAlerts } from "./local-alerts.ts";
import { createMeasured } from "./measured.ts";
import type { PoolMetrics } from "./metrics.ts";
import { PoolPayday } from "./payday.ts";
import { edgeOptions, pollOptions, workerLimits } from "./pool-settings.ts";
import { type StratumPorts, startPoolWeb } from "./pool-web.ts";
import { ensureReceiptKey, receiptKeyFile } from "./receipt-key.ts";
import { watchSelf } from "./self-watch.ts";
import { createShareHistory, type FindRefused } from "./share-history.ts";
import type { Web, WebModules } from "./web.ts";

export interface PoolOptions {
  config: Config;
  /** The edge's folder: identity, lock and journal. */
  folder: string;
  /** A pool of `prosper up`, whose network is its own. */
  isDevnet: boolean;
  version: string;
  lxrBits: number;
  /** Where edge processes find the database; needed where there is more than one of them. */
  databaseUrl?: string;
  /** Where they share the LXR table; undefined: each has its own. */
  tableFile?: string | undefined;
  /** How long a missing close marker is waited for. */
  sealDeadlineMs: number;
  /** Addresses of price sources that have none of their own. */
  priceUrls?: Record<string, string>;
}

export interface PoolModules {
  db: Db;
  factomd: Factomd;
  /** Missing where the edges are in processes of their own: those hash. */
  hasher?: Hasher & NonceSearch;
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
  /** The port where miners connect, and `host:port` of it. */
  readonly port: number;
  readonly stratum: string;
  /** Hands over everything that was acknowledged, then closes. */
  stop(): Promise<void>;
}

/** How long a stop may spend on handing over; the journal keeps what is left. */
const DRAIN_MS = 10_000;
const MINER_CLOSE_MS = 200;
/** For one call to pegnetd. */
const NODE_MS = 10_000;
/** How often it is looked for payments on their way. */
const LOOK_MS = 30_000;

/** The edges of a pool, in this process or in their own. */
interface PoolEdges {
  readonly ports: StratumPorts;
  readonly health: Health;
  readonly live: Live;
  readonly sightings: SightingsReader;
  readonly refused: FindRefused;
  readonly metrics: NonNullable<WebModules["metrics"]>;
  readonly certificateDays: () => number | undefined;
}

/** Starts the parts: first those that take data (books, prices), then those that make it (edges, pages). Rejects with the first part's CodedError, after stopping those before it. */
export function startPool(options: PoolOptions, handed: PoolModules): Promise<Pool> {
  const { config } = options;
  const { logger } = handed;
  return startParts(logger, async (onStop, stopping) => {
    const modules = { ...handed, ...watchDatabase(handed) };
    const books = createPoolBooks(options, modules);
    onStop(() => books.stop(DRAIN_MS));
    const cache = createSourceCache();
    const prices = pollPrices(options, { ...modules, cache }, stopping);
    onStop(() => prices);
    const passwords = createPasswords({}, { random: modules.random });
    const receiptKeys = await ensureReceiptKey(options.folder, modules.random);
    const auth = createPoolAuth(options, modules, passwords);
    const parts = { books, auth, receiptKeys, onStop, stopping };
    const isOne = config.stratum.processes === 1;
    const edges = await (isOne ? startEdgeHere : startEdgesElsewhere)(options, modules, parts);
    const credits = new EntryCredits(
      { address: creditAddress(config.pool.esaddress), blockMs: config.pegnet.blockperiod },
      modules,
    );
    const counting = credits.run(stopping);
    onStop(() => counting);
    modules.metrics.runOut({ certificate: edges.certificateDays, entryCredits: credits });
    const measured = createMeasured(modules.metrics.registry);
    const measuring = measured.run({ ...modules, signal: stopping });
    onStop(() => measuring);
    await books.startSealing();
    const { isDevnet } = options;
    const patient = { config, dataDir: dirname(options.folder), isDevnet, db: modules.db };
    const doctor = createCockpit(patientOf(patient, { ...modules, cache }), modules);
    const watching = watchSelf(options, { ...modules, doctor, signal: stopping });
    onStop(() => watching);
    const payday = createPayday(options, modules);
    const paying = payday.run(stopping);
    onStop(() => paying);
    const shares = createShareHistory(
      { folder: options.folder, keepMs: config.stratum.sharehistory },
      edges.refused,
    );
    const web = await startPoolWeb(options, {
      ...{ ...modules, ...edges, passwords, receiptKeys, doctor, payday },
      ...(shares && { shares }),
    });
    onStop(() => web.stop());
    const { port, tlsPort } = edges.ports;
    const { tls } = config.canary;
    const singing = runCanary(
      { config, port: (tls ? tlsPort : undefined) ?? port },
      { ...modules, onProbe: measured.probed, signal: stopping },
    );
    onStop(() => singing);
    logger.info("the pool runs", { stratum: port, tls: tlsPort, web: web.port });
    return { web, port, stratum: hostAndPort(localHost(config.stratum.host), port) };
  });
}

function createPayday({ config, isDevnet }: PoolOptions, modules: PoolModules): PoolPayday {
  const { clock, random } = modules;
  const { pool, payout, factom, pegnet } = config;
  // A devnet's node serves factomd and pegnetd.
  const url = isDevnet ? factom.factomdlocation.replace(/\/v2$/, "/v1") : payout.pegnetdlocation;
  const pegnetd = createPegnetd({ url, timeoutMs: NODE_MS }, { fetch, clock, random });
  return new PoolPayday(
    {
      minimum: payout.minimum,
      approvalsNeeded: pool.twoadministrators ? TWO : 0,
      sources: pool.oprcoinbase === "" ? [] : [pool.oprcoinbase],
      es: pool.esaddress,
      prepareEveryMs: payout.prepareevery,
      lookEveryMs: Math.min(LOOK_MS, pegnet.blockperiod / 10),
      isDevnet,
    },
    { ...modules, ...(url !== "" && { pegnetd }) },
  );
}

interface EdgeParts {
  readonly books: LocalBooks;
  readonly auth: Auth;
  readonly receiptKeys: KeyPair;
  readonly onStop: OnStop;
  readonly stopping: AbortSignal;
}

/** One edge, in this process. */
async function startEdgeHere(
  options: PoolOptions,
  modules: PoolModules,
  parts: EdgeParts,
): Promise<PoolEdges> {
  const { config, folder } = options;
  const { db, clock, logger, metrics, hasher } = modules;
  const { onStop, stopping } = parts;
  if (hasher === undefined) throw new RangeError("an edge in this process hashes: a hasher is needed");
  const lock: FolderLock = lockFolder(folder);
  onStop(async () => lock.release());
  const edge = await Edge.create(edgeOptions(config, folder), {
    ...modules,
    hasher,
    newestPrices: () => newestPrices(db),
    queue: parts.books.queue,
    auth: parts.auth,
    receiptKey: parts.receiptKeys,
    disk: nodeDisk,
    metrics: metrics.stratum,
    onBlock: () => void parts.books.seal(),
  });
  metrics.watch(edge);
  onStop(() => edge.stop({ overMs: MINER_CLOSE_MS, signal: AbortSignal.timeout(DRAIN_MS) }));
  await edge.start(stopping);
  const left = { folder, processes: 1, blockMs: config.pegnet.blockperiod };
  const retiring = retireLeftEdges(left, { ...modules, queue: parts.books.queue, signal: stopping });
  onStop(() => retiring);
  const certificate = watchCertificate(config, edge.listeningTls, { clock, logger, signal: stopping });
  onStop(async () => certificate?.running);
  const health = new EdgeHealth({ blockMs: config.pegnet.blockperiod }, edge, {
    clock,
    askDatabase: () => askDatabase(db),
  });
  const looking = health.run(stopping);
  onStop(() => looking);
  const ports = { port: edge.listening?.port ?? 0, tlsPort: edge.listeningTls?.port };
  return {
    ...{ ports, health, live: liveOf(edge), metrics: metrics.registry },
    sightings: { look: async (by) => edge.stratum.sightings.look(by) },
    refused: async (nonce) => edge.refused.find(nonce),
    certificateDays: () => certificate?.watch.daysLeft(),
  };
}

/** Several, each in a process of its own; queue, books, logins, prices and pages stay in this one. */
async function startEdgesElsewhere(
  { config, folder, databaseUrl, tableFile }: PoolOptions,
  { clock, logger, metrics }: PoolModules,
  { books, auth, onStop }: EdgeParts,
): Promise<PoolEdges> {
  if (databaseUrl === undefined) throw new RangeError("edge processes need the database's address");
  // A wrong setting is reported before anything slow begins.
  edgeOptions(config, folder);
  const edges = startEdgeProcesses(
    {
      ...{ config, folder, databaseUrl, tableFile, functions: undefined, drainMs: MINER_CLOSE_MS },
      receiptKeyFile: receiptKeyFile(folder),
    },
    { clock, logger, books: { queue: books.queue, auth } },
  );
  onStop(() => edges.stop());
  const ports = await edges.started;
  const { health, live, sightings, refused } = edges;
  // The certificate is the edges': their metrics have its days.
  return {
    ports,
    health,
    live,
    sightings,
    refused,
    metrics: edges.metrics(metrics.registry),
    certificateDays: () => undefined,
  };
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
      deliverAlerts: localAlerts(options, modules),
      onSealed: (block) => {
        modules.metrics.sealed(block);
        modules.onSealed(block);
      },
      onChecked: modules.metrics.checked,
      archiveTo: archiveSettings(options.config, dirname(options.folder)),
      onArchived: modules.metrics.archived,
    },
  );
}

/** Polls until `signal`; the first poll is under way when this returns. */
function pollPrices(
  options: PoolOptions,
  modules: PoolModules & { readonly cache: SourceCache },
  signal: AbortSignal,
): Promise<void> {
  const settings = pollOptions(options.config, options.priceUrls);
  const poll = createLocalPoll(createPollHandler(settings, { ...modules, fetch }));
  return runEvery(
    { name: "poll", everyMs: Math.min(60_000, settings.cacheMs), run: poll },
    { ...modules, signal },
  );
}

function createPoolAuth(
  { config }: PoolOptions,
  { db, clock, logger }: PoolModules,
  passwords: Passwords,
): Auth {
  const openRegistration = config.pool.registration === "open";
  const { loginfailures: free, loginlockout: everyMs } = config.stratum;
  const lockout = createLockout({ limit: { free, everyMs } }, { db, clock });
  return createLocalAuth(createAuthHandler({ openRegistration }, { db, passwords, logger, lockout }));
}
