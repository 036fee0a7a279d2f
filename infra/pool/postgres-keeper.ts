/** Starts the embedded PostgreSQL again when it was killed (by -9, by a kernel short of memory, by a full disk), and says so. */

import { type Clock, sleep } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Postgres } from "./embedded-postgres.ts";

export interface PostgresKeeper {
  /** Resolves when no start is under way any more. To be called before the server is stopped. */
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
/** Between two tries: the wait doubles up to this. It begins anew when the server has run for STEADY_MS. */
const LONGEST_WAIT_MS = 30_000;
const STEADY_MS = 60_000;

/** A server that was stopped in good order is not started again, since somebody wanted it stopped. */
export function keepPostgres(
  server: Pick<Postgres, "state" | "startAgain">,
  modules: { readonly clock: Clock; readonly logger: Logger },
): PostgresKeeper {
  const { clock, logger } = modules;
  const stop = new AbortController();
  let tries = 0;
  let runsSinceMs = clock.monotonicMs();

  /** Tries until it runs, or until the keeper is stopped. */
  const startAgain = async (): Promise<void> => {
    const killedMs = clock.monotonicMs();
    logger.error("the embedded PostgreSQL was killed: it is started again");
    let isSaid = false;
    while (!stop.signal.aborted) {
      if (tries > 0) await sleep(clock, Math.min(LONGEST_WAIT_MS, LOOK_MS * 2 ** (tries - 1)), stop.signal);
      if (stop.signal.aborted) return;
      tries += 1;
      try {
        await server.startAgain();
        runsSinceMs = clock.monotonicMs();
        const awaySeconds = Math.round((runsSinceMs - killedMs) / 1000);
        logger.warn("the embedded PostgreSQL runs again", { awaySeconds });
        return;
      } catch (thrown) {
        // An error once per outage only: the server's last words contain the time, so all messages differ.
        logger[isSaid ? "debug" : "error"](
          "the embedded PostgreSQL could not be started; it is tried again",
          { problem: coerceError(thrown).message },
        );
        isSaid = true;
      }
    }
  };

  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await sleep(clock, LOOK_MS, stop.signal);
      if (stop.signal.aborted) return;
      if (server.state() === "killed") await startAgain();
      else if (clock.monotonicMs() - runsSinceMs >= STEADY_MS) tries = 0;
    }
  };
  const watching = watch();
  return {
    async stop() {
      stop.abort();
      await watching;
    },
  };
}
