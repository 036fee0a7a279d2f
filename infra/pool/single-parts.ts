/** Single parts of a pool in processes of their own: following the chain, sealing the books, or the web (docs/spec.md, "Commands and pages"). */

import { join } from "node:path";
import { createFollower } from "../../edge/chain/follower.ts";
import { gradeChainBlock } from "../../edge/chain/grade.ts";
import { createBlockReader } from "../../edge/chain/reader.ts";
import { createStallWatch } from "../../edge/chain/stall.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { edgeIdentity } from "../../edge/lease/identity.ts";
import { chainLeaseMs, createNamedLease } from "../../edge/lease/named.ts";
import { ensureAccess, type NewAdmin } from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { BlockRow } from "../../shared/db/blocks.ts";
import type { Db } from "../../shared/db/port.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { startParts } from "../parts.ts";
import { archiveSettings } from "./archive.ts";
import { createLocalBooks } from "./local-accounting.ts";
import { localAlerts } from "./local-alerts.ts";
import { followOptions, gradeOptions, sealDeadlineMs, workerLimits } from "./pool-settings.ts";
import { startPoolWeb } from "./pool-web.ts";

export interface SinglePartModules {
  db: Db;
  clock: Clock;
  random: Random;
  logger: Logger;
}

export interface SinglePart {
  stop(): Promise<void>;
}

/**
 * Follows, grades and books the chain: no miners, no jobs. It holds the `chain` lease, and edges beside it take what it has booked.
 * Rejects with CodedErrors `config` and `folder-in-use`.
 */
export function startSync(
  options: { config: Config; dataDir: string },
  modules: SinglePartModules & { factomd: Factomd; hasher: Hasher; onBlock: (row: BlockRow) => void },
): Promise<SinglePart> {
  const { config } = options;
  const { db, factomd, hasher, clock, logger } = modules;
  const folder = join(options.dataDir, "sync");
  return startParts(logger, async (onStop, stopping) => {
    const grading = gradeOptions(config);
    const lock = lockFolder(folder);
    onStop(async () => lock.release());
    const lease = createNamedLease(
      {
        name: "chain",
        holder: await edgeIdentity(folder, { disk: nodeDisk, random: modules.random }),
        leaseMs: chainLeaseMs(grading.blockMs),
      },
      { db, clock },
    );
    onStop(() => lease.release());
    const reader = createBlockReader({ factomd, clock });
    const stall = createStallWatch(grading, { clock, logger });
    const follower = createFollower(
      followOptions(config),
      {
        ...{ db, clock, logger, lease },
        topHeight: async () => (await factomd.heights()).directoryBlock,
        readBlock: (height, signal) => reader.read(height, signal),
        grade: (block, previous) => gradeChainBlock(block, previous, grading, hasher),
      },
      {
        onHeight: (height) => stall.rose(height),
        onJob: async () => undefined,
        onNoJob: () => undefined,
        onBlock: modules.onBlock,
      },
    );
    const running = Promise.all([follower.run(stopping), stall.run(stopping)]);
    onStop(() => running);
    return {};
  });
}

/** Seals what is ready and does the janitor's work, by timers. Edges elsewhere send their summaries to whoever applies them. */
export function startAccountant(
  options: { config: Config; dataDir: string },
  modules: SinglePartModules & { onSealed: (block: SealedBlock) => void },
): Promise<SinglePart> {
  const blockMs = options.config.pegnet.blockperiod;
  return startParts(modules.logger, async (onStop) => {
    const books = createLocalBooks(
      {
        deadlineMs: sealDeadlineMs(blockMs),
        epochGraceMs: blockMs,
        janitorEveryMs: Math.min(60_000, blockMs),
      },
      {
        ...modules,
        workerLimits: workerLimits(options.config),
        deliverAlerts: localAlerts({ ...options, isDevnet: false }, modules),
        archiveTo: archiveSettings(options.config, options.dataDir),
      },
    );
    onStop(() => books.stop(0));
    await books.startSealing();
    return {};
  });
}

/** Login, registration, API and pages, from the database. Rejects with CodedError `web-port`. */
export function startAuth(
  options: { config: Config; version: string },
  modules: SinglePartModules,
): Promise<SinglePart & { web: string; admin: NewAdmin | undefined; inviteCode: string }> {
  const { db, random, logger } = modules;
  return startParts(logger, async (onStop) => {
    const accounts = { db, random, passwords: createPasswords({}, { random }) };
    const web = await startPoolWeb(
      { ...options, lxrBits: options.config.pegnet.lxrbits },
      { ...modules, passwords: accounts.passwords },
    );
    onStop(() => web.stop());
    return { web: web.url, ...(await ensureAccess(accounts)) };
  });
}
