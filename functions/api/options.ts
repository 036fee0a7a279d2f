/** What the API is told about its pool, and the parts that it is made of. */

import { type ChannelKind, offeredChannels } from "../../shared/alerts/kinds.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import type { WorkerLimits } from "../../shared/db/workers.ts";
import type { Health } from "../../shared/health.ts";
import type { Logger } from "../../shared/logger.ts";
import type { WebAccounts } from "../auth/web-accounts.ts";
import type { Assets } from "../dashboard/asset-files.ts";
import type { Environment } from "../environment.ts";
import type { Doctor } from "./doctor.ts";
import type { Figures } from "./figures/figures.ts";
import type { ReceiptKeySource } from "./figures/receipt-keys.ts";
import type { Live } from "./live.ts";
import type { Payday } from "./payday.ts";
import type { ShareHistory } from "./share-history.ts";
import type { SightingsReader } from "./sightings.ts";

export interface ApiOptions {
  readonly poolName: string;
  /** Of this program. */
  readonly version: string;
  /** Length of a block; the network's hash rate is calculated with it. */
  readonly blockSeconds: number;
  readonly registration: "invite" | "open";
  /** Where miners connect: the plain port and, where there is one, the port for TLS. Without a host, the one that the visitor's browser used. */
  readonly stratum: { readonly host?: string; readonly port: number; readonly tlsPort?: number };
  /** Size of the LXR table; miners are told where it is not 30. */
  readonly lxrBits: number;
  /** Ways by which users can be told what happens; none where it is not given. */
  readonly alertChannels?: readonly ChannelKind[];
  /** Administrators can be told what the pool's own checks find. Default true. */
  readonly makesChecks?: boolean;
  /** Whether open pages may hear what changes on a stream (infra/pool/live-streams.ts) instead of asking. */
  readonly streams?: boolean;
  /** Who is owed less is paid later, 1e-8 PEG; undefined where these pages do not know. */
  readonly payoutMinimum?: bigint;
  /** A payout is prepared so long after the last one; undefined or 0: never by itself. */
  readonly payoutEveryMs?: number;
  /** Where an entry of the chain can be looked at: {hash} stands for its hash. */
  readonly explorer?: string;
  /** Between two looks of the canary, milliseconds. */
  readonly canaryMs?: number;
  /** Payouts and adjustments need two people. */
  readonly twoAdministrators?: boolean;
  /** Sites whose pages may read the API, "*": all; none where it is not given (http/cors.ts). */
  readonly corsOrigins?: readonly string[];
}

export interface ApiModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly accounts: WebAccounts;
  readonly logger: Logger;
  /** The dashboard's files. */
  readonly assets: Assets;
  readonly live?: Live;
  /** Without it nothing is known of connections. */
  readonly sightings?: SightingsReader;
  /** Without it a share cannot be looked up. */
  readonly shares?: ShareHistory;
  /** Those that open pages follow too; without them the handler makes its own. */
  readonly figures?: Figures;
  /** The same as the accounting function's. */
  readonly workerLimits?: WorkerLimits;
  /** Signs receipts; without it proofs have none. */
  readonly receiptKeys?: ReceiptKeySource;
  /** Of the edge in the same process. */
  readonly health?: Health;
  /** Of the pool in the same process. */
  readonly doctor?: Doctor;
  /** Of the pool in the same process. */
  readonly payday?: Payday;
}

/** The options of the api as a Lambda. */
export function optionsOf(env: Environment<"api">): ApiOptions {
  return {
    poolName: env.POOL_NAME,
    version: env.VERSION,
    blockSeconds: env.BLOCK_SECONDS,
    registration: env.REGISTRATION,
    stratum: {
      ...(env.STRATUM_HOST === "" ? {} : { host: env.STRATUM_HOST }),
      port: env.STRATUM_PORT,
      ...(env.STRATUM_TLS_PORT === "" ? {} : { tlsPort: env.STRATUM_TLS_PORT }),
    },
    lxrBits: env.LXR_BITS,
    ...(env.PAYOUT_MINIMUM === "" ? {} : { payoutMinimum: env.PAYOUT_MINIMUM }),
    explorer: env.EXPLORER,
    twoAdministrators: env.TWO_ADMINISTRATORS === "true",
    alertChannels: offeredChannels(env.HAS_MAIL === "yes"),
    makesChecks: false,
    corsOrigins: env.CORS_ORIGINS.split(",").filter((origin) => origin !== ""),
  };
}
