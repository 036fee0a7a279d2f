/** `prosper up`: PostgreSQL, a devnet, the pool and a local miner in one process (what `npm start` runs). */

import { join } from "node:path";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import type { Miner } from "../../edge/miner/miner.ts";
import { localHost } from "../../edge/stratum/listen-on.ts";
import { ensureAccess, ensureUser, type NewAdmin } from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import { createFactomd } from "../../shared/factom/client.ts";
import { LxrPool } from "../../shared/hash/pool.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { MAINNET_ACTIVATIONS } from "../../shared/opr/assets.ts";
import type { Config } from "../config/schema.ts";
import { startDevnet } from "../devnet/main.ts";
import { DEVNET_DEFAULTS } from "../devnet/options.ts";
import { type OnStop, startParts } from "../parts.ts";
import { type DevnetKeys, ensureDevnetKeys, writeEndpoints } from "./devnet-pool.ts";
import { type Postgres, startPostgres } from "./embedded-postgres.ts";
import { creditAddress, factoidAddress } from "./key-addresses.ts";
import { startLocalMiners } from "./local-miners.ts";
import { createPoolMetrics } from "./metrics.ts";
import { type Pool, startPool } from "./pool.ts";
import { activationsOf, sealDeadlineMs } from "./pool-settings.ts";
import { keepPostgres } from "./postgres-keeper.ts";

export interface UpOptions {
  dataDir: string;
  /** The user's settings. What the devnet decides (keys, node, prices, block length) replaces them. */
  config: Config;
  /** Undefined: the embedded server. */
  databaseUrl: string | undefined;
  bits: number;
  blockSeconds: number;
  miners: number;
  version: string;
}

export interface UpModules {
  clock: Clock;
  random: Random;
  logger: Logger;
  openTable: (bits: number) => Promise<SharedTable>;
  /** Told each step before it is ready, as one line. */
  onStep: (step: string) => void;
  onSealed: (block: SealedBlock) => void;
  onFatal: (error: CodedError) => void;
}

export interface Up {
  readonly web: string;
  readonly stratum: string;
  readonly factomd: string;
  /** On the first start only. */
  readonly admin: NewAdmin | undefined;
  readonly inviteCode: string;
  /** FA…, for whoever tries a miner on this devnet. */
  readonly guestAddress: string;
  readonly pool: Pool;
  readonly miners: readonly Miner[];
  stop(): Promise<void>;
}

/** The miner's account. */
const LOCAL_USER = "local";
/** Low, to leave the cores to the pool beside it. */
const MINER_DUTY = 0.4;
const EC_BALANCE = 1_000_000;
/** Six hours are right for a network that changes slowly; on a devnet a miner more or less is half of it. */
const MAINNET_EMA = 36;
const DEVNET_EMA = 6;
const DEVNET_PRICES = { fixedusd: 0, devnet: 1 };

/** Starts everything; what is already running is stopped when a later part fails. */
export function startUp(options: UpOptions, modules: UpModules): Promise<Up> {
  return startParts(modules.logger, (onStop) => start(options, modules, onStop));
}

async function start(options: UpOptions, modules: UpModules, onStop: OnStop): Promise<Omit<Up, "stop">> {
  const { dataDir } = options;
  const { clock, random } = modules;
  const metrics = createPoolMetrics();
  const logger = metrics.counting(modules.logger);
  const lock = lockFolder(dataDir);
  onStop(async () => lock.release());
  const keys = await ensureDevnetKeys(dataDir, random);

  // The slow ones side by side. Where the table fails, the server is waited for: nothing else would stop it.
  const server = database(options, { ...modules, logger }, onStop);
  const table = await modules.openTable(options.bits).catch(async (error: unknown) => {
    await server.catch(() => undefined);
    throw error;
  });
  const databaseUrl = await server;
  const db = openPg({ url: databaseUrl });
  onStop(() => db.close());
  await migrate(db);

  modules.onStep("starting the devnet");
  const hasher = new LxrPool({ table, threads: 1 }, { logger });
  onStop(() => hasher.close());
  const devnet = await startDevnet(
    {
      ...DEVNET_DEFAULTS,
      folder: join(dataDir, "devnet"),
      blockMs: options.blockSeconds * 1000,
      activations: devnetActivations(options.config),
      credits: [{ address: creditAddress(keys.es), balance: EC_BALANCE }],
    },
    { clock, random, logger, hasher },
  );
  onStop(() => devnet.stop());
  await writeEndpoints(dataDir, { factomd: devnet.factomdUrl });

  modules.onStep("starting the pool");
  const accounts = { db, random, passwords: createPasswords({}, { random }) };
  await ensureUser(db, LOCAL_USER, factoidAddress(keys.miner));
  const pool = await startPool(
    {
      config: devnetConfig(options, keys, devnet.factomdUrl),
      folder: join(dataDir, "edge"),
      version: options.version,
      lxrBits: options.bits,
      sealDeadlineMs: sealDeadlineMs(options.blockSeconds * 1000),
      priceUrls: { devnet: devnet.feedUrl },
    },
    {
      db,
      factomd: createFactomd({ url: devnet.factomdUrl, timeoutMs: 5_000 }, { fetch, clock, random }),
      hasher,
      clock,
      random,
      logger,
      metrics,
      onSealed: modules.onSealed,
      onFatal: modules.onFatal,
    },
  );
  onStop(() => pool.stop());
  const miners = startLocalMiners(
    {
      count: options.miners,
      host: localHost(options.config.stratum.host),
      port: pool.edge.listening?.port ?? 0,
      user: LOCAL_USER,
      dutyCycle: MINER_DUTY,
    },
    { ...modules, table },
  );
  onStop(() => Promise.all(miners.map((miner) => miner.stop())));
  return {
    web: pool.web.url,
    stratum: pool.stratum,
    factomd: devnet.factomdUrl,
    ...(await ensureAccess(accounts)),
    guestAddress: factoidAddress(keys.guest ?? keys.miner),
    pool,
    miners,
  };
}

async function database(options: UpOptions, modules: UpModules, onStop: OnStop): Promise<string> {
  if (options.databaseUrl !== undefined) return options.databaseUrl;
  modules.onStep("starting PostgreSQL");
  const postgres: Postgres = await startPostgres({ dir: join(options.dataDir, "postgres") });
  if (postgres.adopted) modules.logger.warn("took over the PostgreSQL that an earlier process left running");
  onStop(() => postgres.stop());
  const keeper = keepPostgres(postgres, modules);
  onStop(() => keeper.stop());
  return postgres.url;
}

/** The user's settings where they make sense on a devnet, the devnet's own everywhere else. */
function devnetConfig(options: UpOptions, keys: DevnetKeys, factomd: string): Config {
  const { config } = options;
  const blockperiod = options.blockSeconds * 1000;
  return {
    ...config,
    factom: { factomdlocation: factomd },
    pegnet: {
      ...config.pegnet,
      blockperiod,
      startheight: DEVNET_DEFAULTS.firstHeight,
      lxrbits: options.bits,
      activation: Math.max(0, config.pegnet.activation),
    },
    submit: {
      ...config.submit,
      "ema-n": config.submit["ema-n"] === MAINNET_EMA ? DEVNET_EMA : config.submit["ema-n"],
    },
    pool: { ...config.pool, esaddress: keys.es, oprcoinbase: factoidAddress(keys.fs) },
    oracledatasources: DEVNET_PRICES,
    oracleassetdatasourcespriority: {},
  };
}

function devnetActivations(config: Config): ReturnType<typeof activationsOf> {
  const activations = activationsOf(config);
  return activations === MAINNET_ACTIVATIONS ? DEVNET_DEFAULTS.activations : activations;
}
