/**
 * What `prosper up` runs on its PostgreSQL: the devnet, the pool and the local miners. A file of its own, since it takes longer to load than all that
 * is needed before it: it is loaded while PostgreSQL starts.
 */

import { join } from "node:path";
import { localHost } from "../../edge/stratum/listen-on.ts";
import {
  type BootstrapModules,
  type DraftAdmin,
  draftAdmin,
  ensureAccess,
  ensureUser,
} from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import type { Random } from "../../shared/clock.ts";
import { anyAdmin } from "../../shared/db/accounts.ts";
import { loadMigrations, migrate } from "../../shared/db/migrate.ts";
import type { Db } from "../../shared/db/port.ts";
import { createFactomd } from "../../shared/factom/client.ts";
import { LxrPool } from "../../shared/hash/pool.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import { MAINNET_ACTIVATIONS } from "../../shared/opr/assets.ts";
import type { Config } from "../config/schema.ts";
import { type Devnet, type DevnetModules, startDevnet } from "../devnet/main.ts";
import { DEVNET_DEFAULTS } from "../devnet/options.ts";
import { bothStarted, type OnStop } from "../parts.ts";
import { type DevnetKeys, writeEndpoints } from "./devnet-pool.ts";
import type { Postgres } from "./embedded-postgres.ts";
import { hashingThreads } from "./hashing-threads.ts";
import { creditAddress, factoidAddress } from "./key-addresses.ts";
import { startLocalMiners } from "./local-miners.ts";
import { createPoolMetrics } from "./metrics.ts";
import { startPool } from "./pool.ts";
import { activationsOf, sealDeadlineMs } from "./pool-settings.ts";
import { keepPostgres } from "./postgres-keeper.ts";
import { openRenewed } from "./renewed-database.ts";
import type { Up, UpModules, UpOptions } from "./up.ts";
import { databasePlace, whichPool } from "./which-pool.ts";

export interface UpPoolModules extends UpModules {
  readonly keys: DevnetKeys;
  readonly table: SharedTable;
  /** The embedded server; undefined where `options.databaseUrl` names another. Stopped by the caller. */
  readonly server: Promise<Postgres | undefined>;
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

/** Rejects with the first part's CodedError; what was started before is stopped by `onStop`'s caller. */
export async function startUpPool(
  options: UpOptions,
  handed: UpPoolModules,
  onStop: OnStop,
): Promise<Omit<Up, "stop">> {
  const { keys, table, clock, random } = handed;
  const metrics = createPoolMetrics();
  const logger = metrics.counting(handed.logger);
  const modules = { ...handed, logger };
  const hasher = new LxrPool({ table, threads: hashingThreads(table.bits) }, { logger });
  onStop(() => hasher.close());
  // Of its own: the rivals hash all the time, and no share is to wait for them.
  const rivals = new LxrPool({ table, threads: 1 }, { logger });
  onStop(() => rivals.close());
  // The first block is hashing, the database is waiting for a disk and other processes.
  const [devnet, { db, url: databaseUrl, draft }] = await bothStarted(
    startNetwork(options, { ...modules, hasher: rivals }, onStop),
    openDatabase(options, modules, onStop),
  );
  modules.onStep("starting the pool");
  const pool = await startPool(
    {
      config: devnetConfig(options, keys, devnet.factomdUrl),
      folder: join(options.dataDir, "edge"),
      isDevnet: true,
      version: options.version,
      databaseUrl,
      tableFile: table.file,
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
      port: pool.port,
      user: LOCAL_USER,
      dutyCycle: MINER_DUTY,
    },
    handed,
  );
  onStop(() => Promise.all(miners.map((miner) => miner.stop())));
  return {
    web: pool.web.url,
    stratum: pool.stratum,
    factomd: devnet.factomdUrl,
    ...(await ensureAccess(accounts(db, random), draft)),
    guestAddress: factoidAddress(keys.guest ?? keys.miner),
    pool,
    miners,
  };
}

async function startNetwork(
  options: UpOptions,
  modules: UpPoolModules & Pick<DevnetModules, "hasher">,
  onStop: OnStop,
): Promise<Devnet> {
  modules.onStep("starting the devnet");
  // Nobody has shares yet: the first block takes half the time by two threads.
  const firstHelper = (): LxrPool => new LxrPool({ table: modules.table, threads: 1 }, modules);
  const devnet = await startDevnet(
    {
      ...DEVNET_DEFAULTS,
      folder: join(options.dataDir, "devnet"),
      blockMs: options.blockSeconds * 1000,
      rivalHashes: options.rivalHashes,
      activations: devnetActivations(options.config),
      credits: [{ address: creditAddress(modules.keys.es), balance: EC_BALANCE }],
    },
    { ...modules, firstHelper },
  );
  onStop(() => devnet.stop());
  await writeEndpoints(options.dataDir, { factomd: devnet.factomdUrl });
  return devnet;
}

/** The pool's database, migrated and with the miner's account; an embedded server is watched from now on. */
async function openDatabase(
  options: UpOptions,
  modules: UpPoolModules,
  onStop: OnStop,
): Promise<{ db: Db; url: string; draft: DraftAdmin | undefined }> {
  const postgres = await modules.server;
  if (postgres?.adopted) modules.logger.warn("took over the PostgreSQL that an earlier process left running");
  if (postgres !== undefined) {
    const keeper = keepPostgres(postgres, modules);
    onStop(() => keeper.stop());
  }
  const url = options.databaseUrl ?? postgres?.url ?? "";
  const db = openRenewed(options.config, url, modules);
  onStop(() => db.close());
  const where = databasePlace(url, postgres === undefined ? undefined : options.dataDir);
  const migrations = loadMigrations();
  modules.announce(await whichPool(db, { name: options.config.pool.opridentity, where, migrations }));
  await migrate(db, migrations);
  await ensureUser(db, LOCAL_USER, factoidAddress(modules.keys.miner));
  const draft = (await anyAdmin(db)) ? undefined : await draftAdmin(accounts(db, modules.random));
  return { db, url, draft };
}

function accounts(db: Db, random: Random): BootstrapModules {
  return { db, random, passwords: createPasswords({}, { random }) };
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
    roots: { ...config.roots, publish: config.roots.publish === "off" ? "off" : "on" },
    pool: { ...config.pool, esaddress: keys.es, oprcoinbase: factoidAddress(keys.fs) },
    oracledatasources: DEVNET_PRICES,
    oracleassetdatasourcespriority: {},
  };
}

function devnetActivations(config: Config): ReturnType<typeof activationsOf> {
  const activations = activationsOf(config);
  return activations === MAINNET_ACTIVATIONS ? DEVNET_DEFAULTS.activations : activations;
}
