/** Logs one message when the database is away, instead of one from each part that notices, and one when it is back. */

import type { Clock } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

interface Watched {
  /** The same database, watched: each statement's success or failure is noticed. */
  readonly db: Db;
  /** The same log. While the database is away, what other parts log about it goes to debug level only. */
  readonly logger: Logger;
}

/** Busy, not away: a deadlock, a lost race for a lock. */
const BUSY = /^(40|55)/;
/** Out of room, memory or connections. It still reads, so a passing statement does not end the outage. */
const SHORT = /^53/;
const SHORT_AGAIN_MS = 60_000;
/** The login is refused: the server is there, and the password was changed. */
const REFUSED = /^28/;

export function watchDatabase(modules: { db: Db; clock: Clock; logger: Logger }): Watched {
  const { db, clock, logger } = modules;
  let awaySinceMs: number | undefined;
  let shortToldMs = Number.NEGATIVE_INFINITY;

  const wasToldShort = (): boolean => clock.monotonicMs() - shortToldMs < SHORT_AGAIN_MS;
  const failed = (error: unknown): void => {
    if (!(error instanceof CodedError) || error.code !== "db-away" || awaySinceMs !== undefined) return;
    const sqlstate = String(error.data["sqlstate"]);
    if (BUSY.test(sqlstate)) return;
    if (SHORT.test(sqlstate)) {
      if (!wasToldShort())
        logger.error("the database is short of room: nothing acknowledged is lost; free some of it", {
          problem: error.message,
        });
      shortToldMs = clock.monotonicMs();
      return;
    }
    awaySinceMs = clock.monotonicMs();
    const [what, cure] = REFUSED.test(sqlstate)
      ? ["refuses this user's password", "it is given the one that PostgreSQL knows"]
      : ["is away", "PostgreSQL is started again"];
    logger.error(
      `the database ${what}: the present block is mined on and nothing acknowledged is lost, but no new block begins until ${cure}`,
      { problem: error.message },
    );
  };
  /** A statement that was sent before the outage began does not tell that the outage is over. */
  const passed = (startedMs: number): void => {
    if (awaySinceMs === undefined || startedMs <= awaySinceMs) return;
    const awaySeconds = Math.round((clock.monotonicMs() - awaySinceMs) / 1000);
    awaySinceMs = undefined;
    logger.warn("the database is back", { awaySeconds });
  };
  const noticed = async <T>(call: () => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    try {
      const result = await call();
      passed(startedMs);
      return result;
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  const quiet =
    (level: "warn" | "error") =>
    (message: string, data?: Record<string, unknown>): void =>
      logger[(awaySinceMs !== undefined || wasToldShort()) && isAboutDatabase(data) ? "debug" : level](
        message,
        data,
      );

  return {
    db: {
      query: (statement, row) => noticed(() => db.query(statement, row)),
      execute: (statement) => noticed(() => db.execute(statement)),
      transaction: (work) => noticed(() => db.transaction(work)),
      close: () => db.close(),
    },
    logger: { debug: logger.debug, info: logger.info, warn: quiet("warn"), error: quiet("error") },
  };
}

/** True where one of the facts is a failure of the database, as an error or as its text. */
function isAboutDatabase(data: Record<string, unknown> | undefined): boolean {
  return Object.values(data ?? {}).some((fact) =>
    fact instanceof CodedError ? fact.code.startsWith("db-") : String(fact).includes("database: "),
  );
}
