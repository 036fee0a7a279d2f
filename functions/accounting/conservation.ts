/**
 * Checks in a running pool that money is conserved: the equation of each seal at once, the books every few minutes, from where they were proved
 * the last time. There is an alarm when money is not conserved.
 */

import { checkSealedBlock } from "../../shared/audit/conservation.ts";
import { proveBooks } from "../../shared/audit/prove.ts";
import type { Clock } from "../../shared/clock.ts";
import { type BooksProved, readProved } from "../../shared/db/books-proved.ts";
import type { Db } from "../../shared/db/port.ts";
import { lastSealedHeight, sealedSince } from "../../shared/db/seals.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

export interface ConservationOptions {
  /** The shortest time between two checks of all books. */
  readonly everyMs: number;
}

/** What the last check of all books, and the seals after it, have found. */
export interface ConservationReport {
  readonly problems: number;
  /** Unix milliseconds when this process last proved the newest sealed block with all before it; undefined before that. */
  readonly checkedMs: number | undefined;
}

export interface ConservationModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChecked?: (report: ConservationReport) => void;
}

export interface Conservation {
  /** Checks the equation of a block that was just sealed. Never rejects. */
  sealed(height: number): Promise<void>;
  /** Proves the books when that is due; what `signal` ends early goes on at the next call. Never rejects. */
  checkAll(signal: AbortSignal): Promise<void>;
}

/** The longer a check takes, the rarer it is: checks take at most this part of the time. */
const LARGEST_PART = 0.05;
const LOGGED_PROBLEMS = 10;

export function createConservation(options: ConservationOptions, modules: ConservationModules): Conservation {
  const { db, clock, logger, onChecked } = modules;
  let checkedMs: number | undefined;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  /** `found`: the problems of the last check of all books. `bySeal`: by block, the number of problems of each seal since. */
  let found: readonly string[] = [];
  const bySeal = new Map<number, number>();

  const report = (what: string, problems: readonly string[]): void => {
    if (problems.length > 0)
      logger.error("Money is not conserved: stop payouts and run prosper audit --replay", {
        what,
        problems: problems.slice(0, LOGGED_PROBLEMS),
        count: problems.length,
      });
    const seals = [...bySeal.values()].reduce((sum, count) => sum + count, 0);
    onChecked?.({ problems: found.length + seals, checkedMs });
  };
  const failed = (what: string, thrown: unknown): void =>
    logger.warn("The conservation check could not be made; it comes again", {
      what,
      error: coerceError(thrown).message,
    });

  return {
    async sealed(height) {
      try {
        const problems = await checkSealedBlock(db, height);
        if (problems.length > 0) bySeal.set(height, problems.length);
        report(`block ${height}`, problems);
      } catch (thrown) {
        failed(`block ${height}`, thrown);
      }
    },
    async checkAll(signal) {
      const startMs = clock.monotonicMs();
      if (startMs < notBeforeMs) return;
      try {
        const { problems, isComplete } = await proveBooks(db, signal);
        // The next call goes on at once.
        if (!isComplete) return;
        found = problems;
        bySeal.clear();
        checkedMs = clock.wallMs();
        report("all books", problems);
      } catch (thrown) {
        if (!signal.aborted) failed("all books", thrown);
      }
      const tookMs = clock.monotonicMs() - startMs;
      notBeforeMs = startMs + Math.max(options.everyMs, tookMs / LARGEST_PART);
    },
  };
}

export interface BooksWatchOptions extends ConservationOptions {
  /** A call checks for this long; the next one goes on. */
  readonly timeoutMs: number;
}

/** Whoever has proved them. */
export type BooksAge = Pick<BooksProved, "ageSeconds" | "againAgeSeconds">;

/** For functions, which are called from time to time. Each call checks what was sealed since the last call, and all books when they are due. */
export function createBooksWatch(
  options: BooksWatchOptions,
  modules: ConservationModules,
): () => Promise<BooksAge> {
  const { db } = modules;
  const conservation = createConservation(options, modules);
  let seen: number | undefined;
  return async () => {
    // A new process looks at the newest block again.
    seen ??= (await lastSealedHeight(db)) - 1;
    for (const { height } of await sealedSince(db, seen)) {
      await conservation.sealed(height);
      seen = height;
    }
    await conservation.checkAll(AbortSignal.timeout(options.timeoutMs));
    return readProved(db);
  };
}
