/** The pool's web server put together: API, pages and metrics, with what only an edge in the same process knows. */

import type { Doctor } from "../../functions/api/doctor.ts";
import { createFigures } from "../../functions/api/figures/figures.ts";
import { onlyReceiptKey } from "../../functions/api/figures/receipt-keys.ts";
import { createApiHandler } from "../../functions/api/handler.ts";
import { isHttps, sessionOf } from "../../functions/api/http/request.ts";
import type { Live } from "../../functions/api/live.ts";
import type { ApiModules, ApiOptions } from "../../functions/api/options.ts";
import type { Payday } from "../../functions/api/payday.ts";
import type { ShareHistory } from "../../functions/api/share-history.ts";
import type { SightingsReader } from "../../functions/api/sightings.ts";
import { createLiveHub } from "../../functions/api/stream/hub.ts";
import type { Passwords } from "../../functions/auth/password.ts";
import { createWebAccounts } from "../../functions/auth/web-accounts.ts";
import type { Assets } from "../../functions/dashboard/asset-files.ts";
import { offeredChannels } from "../../shared/alerts/kinds.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import type { KeyPair } from "../../shared/factom/ed25519.ts";
import type { Health } from "../../shared/health.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { openDashboard } from "../dashboard/open.ts";
import { createLiveStreams } from "./live-streams.ts";
import { workerLimits } from "./pool-settings.ts";
import { startWeb, type Web, type WebModules } from "./web.ts";

export interface PoolWebOptions {
  config: Config;
  version: string;
  lxrBits: number;
}

export interface PoolWebModules {
  db: Db;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** One for the whole process, because it limits how many hashes run at a time. */
  passwords: Passwords;
  /** What only the edges know; without it the pages show what the database knows. */
  live?: Live;
  /** What became of connections. */
  sightings?: SightingsReader;
  /** Looks up shares. */
  shares?: ShareHistory;
  /** Where miners connect; without it the settings say. */
  ports?: StratumPorts;
  health?: Health;
  metrics?: WebModules["metrics"];
  /** Of the pool in this process. */
  doctor?: Doctor;
  /** Pays, in this process. */
  payday?: Payday;
  /** Signs receipts. */
  receiptKeys?: KeyPair;
}

/** Throws CodedError `web-port`, and `dashboard-broken` where the pages cannot be built. */
export async function startPoolWeb(options: PoolWebOptions, modules: PoolWebModules): Promise<Web> {
  const { config } = options;
  const { clock, random, logger, metrics } = modules;
  const api = apiOfPool(options, modules, await openDashboard());
  const figures = createFigures(api.options, api.modules);
  const streams = createLiveStreams({
    hub: createLiveHub(figures, { clock, random, logger }),
    clock,
    whoIs: async (event) => (await sessionOf(event, isHttps(event), api.modules.accounts))?.user.name,
  });
  return startWeb(
    { host: config.web.host, port: config.web.port, proxies: config.web.proxysources },
    {
      handler: createApiHandler(api.options, { ...api.modules, figures }),
      logger,
      streams,
      ...(metrics && { metrics }),
    },
  );
}

/** What the API of this pool is made of. */
export function apiOfPool(
  { config, version, lxrBits }: PoolWebOptions,
  modules: PoolWebModules,
  assets: Assets,
): { readonly options: ApiOptions; readonly modules: ApiModules } {
  const { db, clock, random, logger, passwords, live, ports, health, receiptKeys, doctor } = modules;
  const { sightings, payday, shares } = modules;
  const { registration, opridentity } = config.pool;
  const accounts = createWebAccounts(
    {
      openRegistration: registration === "open",
      guesses: { free: config.web.loginfailures, everyMs: config.web.loginlockout },
      issuer: opridentity,
    },
    { db, clock, random, passwords },
  );
  return {
    options: {
      poolName: opridentity,
      version,
      blockSeconds: config.pegnet.blockperiod / 1000,
      registration,
      stratum: stratumShown(config, ports),
      lxrBits,
      alertChannels: offeredChannels(config.alerts.smtp !== ""),
      streams: true,
      explorer: config.web.explorer,
      payoutMinimum: config.payout.minimum,
      payoutEveryMs: config.payout.prepareevery,
      canaryMs: config.canary.every,
      twoAdministrators: config.pool.twoadministrators,
      corsOrigins: config.web.corsorigins,
    },
    modules: {
      ...{ db, clock, random, accounts, logger, assets },
      workerLimits: workerLimits(config),
      ...(receiptKeys && { receiptKeys: onlyReceiptKey(receiptKeys) }),
      ...(live && { live }),
      ...(sightings && { sightings }),
      ...(shares && { shares }),
      ...(health && { health }),
      ...(doctor && { doctor }),
      ...(payday && { payday }),
    },
  };
}

/** Where the edges of a pool listen. */
export interface StratumPorts {
  readonly port: number;
  readonly tlsPort?: number | undefined;
}

/** Where miners connect. Without edges of its own: where the one beside it listens by the same settings. */
export function stratumShown({ stratum }: Config, ports?: StratumPorts): ApiOptions["stratum"] {
  const hasTls = stratum.tlscert !== "";
  const tlsPort = ports === undefined ? (hasTls ? stratum.tlsport : undefined) : ports.tlsPort;
  return {
    ...(stratum.domain === "" ? {} : { host: stratum.domain }),
    port: ports?.port ?? stratum.stratumport,
    ...(tlsPort !== undefined && { tlsPort }),
  };
}
