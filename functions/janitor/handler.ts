/** The janitor makes the seals that no message triggers, ends the epochs of edges that are gone, deletes old statistics and archives deltas. A timer runs it. */

import middy from "@middy/core";
import type { Clock } from "../../shared/clock.ts";
import { keepBookedSums } from "../../shared/db/booked-sums.ts";
import { pruneWatches } from "../../shared/db/connect-watches.ts";
import { endExpiredEpochs } from "../../shared/db/edges.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Sealer } from "../accounting/sealer.ts";
import type { ArchiveReport } from "./archiver.ts";

/** What is behind is added up by the pages meanwhile. */
const SUMS_EVERY_MS = 10 * 60_000;

export interface JanitorOptions {
  /** An epoch ends this long after its lease expired: until then its edge may come back and renew. */
  readonly epochGraceMs: number;
  /** Minutes of worker statistics older than this are deleted. */
  readonly keepMinutesMs: number;
}

export interface JanitorModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sealer: Sealer;
  /** Adds up the signs of withheld hits, block by block. When it fails, the rest still runs. */
  readonly judge?: () => Promise<unknown>;
  /** Gives workers their states. When it fails, the rest still runs. */
  readonly judgeWorkers?: () => Promise<unknown>;
  /** Signs the roots of what is sealed (root-signer.ts). When it fails, the rest still runs. */
  readonly signRoots?: () => Promise<unknown>;
  /** Moves deltas of sealed blocks to the archive (archiver.ts). When it fails, the rest still runs. */
  readonly archive?: () => Promise<ArchiveReport>;
  /** Checks whether money is conserved, after everything else. */
  readonly watch?: () => Promise<void>;
}

export interface JanitorReport {
  readonly sealed: number;
  readonly endedEpochs: number;
  readonly prunedMinutes: number;
  /** Undefined where there is no archive, or it failed. */
  readonly archived: ArchiveReport | undefined;
}

/** The Lambda handler of a schedule: takes any event, rejects when the database is away (the schedule tries again). */
export function createJanitorHandler(
  options: JanitorOptions,
  modules: JanitorModules,
): middy.MiddyfiedHandler<unknown, JanitorReport> {
  let sumsMs = Number.NEGATIVE_INFINITY;
  return middy<unknown, JanitorReport>(async () => {
    const { db, clock, logger, sealer } = modules;
    // This comes first: a seal may be waiting for an epoch that is over.
    const endedEpochs = await endExpiredEpochs(db, options.epochGraceMs);
    if (endedEpochs > 0) logger.warn("Ended the epochs of edges that are gone", { endedEpochs });
    const sealed = await sealer.run();
    await pruneWatches(db);
    const prunedMinutes = await pruneMinutes(db, options.keepMinutesMs);
    await modules.judge?.().catch((error: unknown) =>
      logger.warn("Withheld hits could not be counted; the next run goes on", {
        error: coerceError(error),
      }),
    );
    await modules.judgeWorkers?.().catch((error: unknown) =>
      logger.warn("The states of workers could not be judged; the next run does", {
        error: coerceError(error),
      }),
    );
    await modules.signRoots?.().catch((error: unknown) =>
      logger.warn("Roots of sealed blocks could not be signed; the next run goes on", {
        error: coerceError(error),
      }),
    );
    if (clock.monotonicMs() - sumsMs >= SUMS_EVERY_MS) {
      sumsMs = clock.monotonicMs();
      await keepBookedSums(db).catch((error: unknown) =>
        logger.warn("What blocks have booked could not be added up; a later run does", {
          error: coerceError(error),
        }),
      );
    }
    const archived = await modules.archive?.().catch((thrown: unknown) => toldOf(thrown, logger));
    await modules.watch?.();
    return { sealed: sealed.length, endedEpochs, prunedMinutes, archived };
  });
}

/** What is wrong with the archive itself does not mend itself. */
function toldOf(thrown: unknown, logger: Logger): undefined {
  const error = coerceError(thrown);
  if (error instanceof CodedError && error.code.startsWith("archive-"))
    logger.error("Deltas cannot be archived; they stay in the database", {
      code: error.code,
      problem: error.message,
    });
  else logger.warn("Deltas could not be archived; the next run goes on", { error });
}

/** By the database's clock. Statistics only: no money depends on them, and a jump of less than `keepMs` changes nothing on the pages. */
function pruneMinutes(db: Db, keepMs: number): Promise<number> {
  const before = sql`clock_timestamp() - ${keepMs}::float8 * interval '1 millisecond'`;
  const old = sql`minute < ${before}`;
  return db.execute(sql`WITH pool AS (DELETE FROM pool_minutes WHERE ${old}), seen AS (DELETE FROM workers_seen WHERE ${old}),
    users AS (DELETE FROM user_minutes WHERE ${old}), hours AS (DELETE FROM worker_hours WHERE hour < ${before}),
    status AS (DELETE FROM worker_status WHERE last_at < ${before}), changes AS (DELETE FROM worker_changes WHERE at < ${before}),
    refused AS (DELETE FROM worker_refused WHERE hour < ${before} OR hour < clock_timestamp() - interval '7 days')
    DELETE FROM worker_minutes WHERE ${old}`);
}
