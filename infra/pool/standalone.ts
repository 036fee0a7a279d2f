/** `prosper edge`: the pool in one process on a factomd that runs elsewhere. */

import { join } from "node:path";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { ensureAccess, type NewAdmin } from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import { LxrPool } from "../../shared/hash/pool.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { startParts } from "../parts.ts";
import { connectFactomd } from "./factomd.ts";
import { requireFit } from "./factomd-fits.ts";
import { hashingThreads } from "./hashing-threads.ts";
import { createPoolMetrics } from "./metrics.ts";
import { startPool } from "./pool.ts";
import { edgeOptions, pollOptions, sealDeadlineMs } from "./pool-settings.ts";
import { type OpenTable, tableForProcesses } from "./process-table.ts";

export interface StandaloneOptions {
  /** Journal, identity and, where no other is configured, the database. */
  dataDir: string;
  config: Config;
  version: string;
}

export interface StandaloneModules {
  clock: Clock;
  random: Random;
  logger: Logger;
  openTable: OpenTable;
  /** Migrated. */
  openDatabase: () => Promise<{ db: Db; url: string; close: () => Promise<void> }>;
  /** Told each step before it is ready, as one line. */
  onStep: (step: string) => void;
  onSealed: (block: SealedBlock) => void;
  onFatal: (error: CodedError) => void;
}

export interface Standalone {
  readonly web: string;
  readonly stratum: string;
  readonly factomd: string;
  /** The administrator made at this start; undefined where there was one before. */
  readonly admin: NewAdmin | undefined;
  readonly inviteCode: string;
  stop(): Promise<void>;
}

/** Starts everything; what is already running is stopped when a later part fails. Rejects with CodedErrors that name what to change. */
export function startStandalone(options: StandaloneOptions, modules: StandaloneModules): Promise<Standalone> {
  const { config, dataDir, version } = options;
  const { clock, random } = modules;
  const metrics = createPoolMetrics();
  const logger = metrics.counting(modules.logger);
  const folder = join(dataDir, "edge");
  const lxrBits = config.pegnet.lxrbits;
  return startParts(logger, async (onStop) => {
    // A wrong setting is reported before anything slow begins.
    edgeOptions(config, folder);
    pollOptions(config);
    const lock = lockFolder(dataDir);
    onStop(async () => lock.release());
    modules.onStep("opening the database and the LXR table");
    const { db, url: databaseUrl, close } = await modules.openDatabase();
    onStop(close);
    const isOne = config.stratum.processes === 1;
    const table = await (isOne ? modules.openTable(lxrBits) : tableForProcesses(config, modules.openTable));
    const threads = hashingThreads(lxrBits);
    // Edge processes hash for themselves; for the canary, which is a miner like others, one thread does.
    const hashes = isOne ? threads : config.canary.user === "" ? undefined : Math.min(1, threads);
    const hasher = table && hashes !== undefined && new LxrPool({ table, threads: hashes }, { logger });
    if (hasher) onStop(() => hasher.close());
    modules.onStep("starting the pool");
    const accounts = { db, random, passwords: createPasswords({}, { random }) };
    const url = config.factom.factomdlocation;
    const factomd = connectFactomd(url, { clock, random, logger });
    await requireFit(factomd, config, { logger });
    const pool = await startPool(
      {
        ...{ config, folder, isDevnet: false, version, lxrBits, databaseUrl, tableFile: table?.file },
        sealDeadlineMs: sealDeadlineMs(config.pegnet.blockperiod),
      },
      { ...modules, logger, metrics, db, factomd, ...(hasher && { hasher }) },
    );
    onStop(() => pool.stop());
    return { web: pool.web.url, stratum: pool.stratum, factomd: url, ...(await ensureAccess(accounts)) };
  });
}
