/** `prosper up`: PostgreSQL, a devnet, the pool and a local miner in one process (what `npm start` runs). */

import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import type { Miner } from "../../edge/miner/miner.ts";
import type { NewAdmin } from "../../functions/auth/bootstrap.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import type { RivalHashes } from "../devnet/effort.ts";
import { bothStarted, type OnStop, startParts } from "../parts.ts";
import { ensureDevnetKeys } from "./devnet-pool.ts";
import { type Postgres, startPostgres } from "./embedded-postgres.ts";
import type { Pool } from "./pool.ts";
import type { OpenTable } from "./process-table.ts";
import type { WhichPool } from "./which-pool.ts";

export interface UpOptions {
  dataDir: string;
  /** The user's settings. What the devnet decides (keys, node, prices, block length) replaces them. */
  config: Config;
  /** Undefined: the embedded server. */
  databaseUrl: string | undefined;
  bits: number;
  blockSeconds: number;
  /** What the devnet's other miners hash in a block. */
  rivalHashes: RivalHashes;
  miners: number;
  version: string;
}

export interface UpModules {
  clock: Clock;
  random: Random;
  logger: Logger;
  openTable: OpenTable;
  /** Told which pool it is before anything in the database is changed. */
  announce: (pool: WhichPool) => void;
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

/** Starts everything; what is already running is stopped when a later part fails. */
export function startUp(options: UpOptions, modules: UpModules): Promise<Up> {
  return startParts(modules.logger, async (onStop) => {
    const lock = lockFolder(options.dataDir);
    onStop(async () => lock.release());
    const keys = await ensureDevnetKeys(options.dataDir, modules.random);
    // PostgreSQL is processes of its own: while it starts, this one reads the table, loads the rest of the product and makes the first block.
    const server = startServer(options, modules, onStop);
    // Its first program must run by now: loading keeps this thread busy for a third of a second.
    await nextTurn();
    // Built at the first start, which takes the bundler's own process half a second; whoever needs it is told what failed.
    import("../dashboard/open.ts").then(({ openDashboard }) => openDashboard()).catch(() => undefined);
    const [table, { startUpPool }] = await bothStarted(
      modules.openTable(options.bits, options.config.stratum.processes > 1),
      import("./up-pool.ts"),
    );
    return startUpPool(options, { ...modules, keys, server, table }, onStop);
  });
}

/** The embedded server; undefined where the user has one. */
function startServer(options: UpOptions, modules: UpModules, onStop: OnStop): Promise<Postgres | undefined> {
  if (options.databaseUrl !== undefined) return Promise.resolve(undefined);
  modules.onStep("starting PostgreSQL");
  const server = startPostgres({ dir: join(options.dataDir, "postgres") });
  // Whoever waits for it is told why it did not start; here there is nothing to stop then.
  onStop(() =>
    server.then(
      (postgres) => postgres.stop(),
      () => undefined,
    ),
  );
  server.catch(() => undefined);
  return server;
}
