/**
 * The books of a pool in one process: queue, accounting function and janitor, as on AWS, but run by timers.
 */

import { type ConservationReport, createConservation } from "../../functions/accounting/conservation.ts";
import type { BooksListener } from "../../functions/accounting/events.ts";
import { createAccountingHandler } from "../../functions/accounting/handler.ts";
import { createSealer, type Sealer } from "../../functions/accounting/sealer.ts";
import { type ArchiveReport, createArchiver } from "../../functions/janitor/archiver.ts";
import { createJanitorHandler } from "../../functions/janitor/handler.ts";
import { watchWorkers } from "../../functions/janitor/worker-watch.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import { watchClocks } from "../../shared/clock-watch.ts";
import type { Db } from "../../shared/db/port.ts";
import { lastSealedHeight, restartDeadlines, type SealedBlock, sealedSince } from "../../shared/db/seals.ts";
import { countWithholding } from "../../shared/db/withholding.ts";
import type { WorkerLimits } from "../../shared/db/workers.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import { createLocalQueue, type LocalQueue, type LocalQueueOptions } from "./in-process-queue.ts";

export interface LocalBooksOptions {
  /** See SealerOptions. */
  readonly deadlineMs: number;
  /** See JanitorOptions. One block period is long enough. */
  readonly epochGraceMs: number;
  readonly keepMinutesMs?: number;
  readonly sealEveryMs?: number;
  readonly janitorEveryMs?: number;
  /** The shortest time between two checks of all books. */
  readonly auditEveryMs?: number;
  readonly queue?: LocalQueueOptions;
}

export interface LocalBooksModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent?: BooksListener;
  /** Delivers what users are to be told; without it nothing is. */
  readonly deliverAlerts?: () => Promise<unknown>;
  /** Where deltas of sealed blocks go, and how long after the seal. */
  readonly archiveTo?: { readonly afterMs: number; readonly store: ArchiveStore } | undefined;
  /** After every run of the archive. */
  readonly onArchived?: (report: ArchiveReport) => void;
  /** See ApplyModules. */
  readonly workerLimits?: WorkerLimits;
  /** Each block sealed since `startSealing`, once, in height order, whoever sealed it. */
  readonly onSealed?: (block: SealedBlock) => void;
  /** After every check whether money is conserved. */
  readonly onChecked?: (report: ConservationReport) => void;
}

export interface LocalBooks {
  readonly queue: LocalQueue;
  /** Seals at once what can be sealed; called after a reward was booked. Never rejects. */
  seal(): Promise<void>;
  /**
   * Begins to seal. Call it when the journal is recovered and its messages are in the queue: the deadlines of all jobs begin
   * anew. Messages are applied before that too. Rejects when the database is away.
   */
  startSealing(): Promise<void>;
  /** Stops the timers, then the queue. Returns how many messages it gave up; the journal has them. */
  stop(drainMs: number): Promise<number>;
}

const AUDIT_EVERY_MS = 5 * 60_000;
/** How often the timer asks whether a check is due. */
const AUDIT_TICK_MS = 5_000;
/** Who presses "test" waits for it. */
const ALERTS_EVERY_MS = 2_000;
/** Of the archive, in each run of the janitor. */
const ARCHIVE_RUN_MS = 20_000;
const DAY_MS = 24 * 60 * 60 * 1000;

export function createLocalBooks(options: LocalBooksOptions, modules: LocalBooksModules): LocalBooks {
  const { db, clock, logger } = modules;
  const sealer = createGatedSealer(createSealer({ deadlineMs: options.deadlineMs }, modules));
  const queue = createLocalQueue(options.queue ?? {}, {
    ...modules,
    handler: createAccountingHandler({ ...modules, sealer }),
  });
  const janitor = createJanitorHandler(
    { epochGraceMs: options.epochGraceMs, keepMinutesMs: options.keepMinutesMs ?? 30 * DAY_MS },
    {
      ...modules,
      sealer,
      ...archiving(modules),
      judge: () => countWithholding(db),
      judgeWorkers: () => watchWorkers(db, clock, options.epochGraceMs),
    },
  );
  const auditEveryMs = options.auditEveryMs ?? AUDIT_EVERY_MS;
  const conservation = createConservation({ everyMs: auditEveryMs }, modules);
  const stopping = new AbortController();
  let announced = -1;
  const announce = async (): Promise<void> => {
    for (const block of await sealedSince(db, announced)) {
      // Another run at the same time may have announced it already.
      if (block.height <= announced) continue;
      announced = block.height;
      modules.onSealed?.(block);
      await conservation.sealed(block.height);
    }
  };
  const seal = (): Promise<void> =>
    sealer
      .run()
      .then(announce)
      .catch((error: unknown) =>
        logger.warn("Sealing failed; the timer tries again", { error: coerceError(error) }),
      );
  const periodic: Promise<void>[] = [];
  const every = (name: string, everyMs: number, run: () => Promise<unknown>): void => {
    periodic.push(runEvery({ name, everyMs, run }, { clock, logger, signal: stopping.signal }));
  };
  return {
    queue,
    seal,
    async startSealing() {
      await restartDeadlines(db);
      announced = await lastSealedHeight(db);
      sealer.open();
      every("seals", options.sealEveryMs ?? 1000, seal);
      every("janitor", options.janitorEveryMs ?? 60_000, () => janitor({}, LOCAL_CONTEXT));
      if (modules.deliverAlerts !== undefined) every("alerts", ALERTS_EVERY_MS, modules.deliverAlerts);
      periodic.push(watchClocks({ db, clock, logger, signal: stopping.signal }));
      const checkAll = (): Promise<void> => conservation.checkAll(stopping.signal);
      every("conservation", Math.min(auditEveryMs, AUDIT_TICK_MS), checkAll);
    },
    async stop(drainMs) {
      stopping.abort();
      const left = await queue.stop(drainMs);
      await Promise.all(periodic);
      // The last messages may have sealed a block.
      if (periodic.length > 0) await seal();
      return left;
    },
  };
}

function archiving(modules: LocalBooksModules): { archive?: () => Promise<ArchiveReport> } {
  const { archiveTo, onArchived } = modules;
  if (archiveTo === undefined) return {};
  const run = createArchiver(
    { afterMs: archiveTo.afterMs, runMs: ARCHIVE_RUN_MS },
    { ...modules, store: archiveTo.store },
  );
  return {
    archive: async () => {
      const report = await run();
      onArchived?.(report);
      return report;
    },
  };
}

/** Seals nothing before `open()`. */
function createGatedSealer(inner: Sealer): Sealer & { open(): void } {
  let isOpen = false;
  return {
    run: () => (isOpen ? inner.run() : Promise.resolve([])),
    open: () => {
      isOpen = true;
    },
  };
}
