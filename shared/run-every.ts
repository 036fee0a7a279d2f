/** Runs a function again and again, one run at a time, until a signal. */

import { type Clock, sleep } from "./clock.ts";
import { coerceError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** A failed run is logged and the next one comes in its time. Resolves after the last run, once `signal` aborts. */
export async function runEvery(
  task: { name: string; everyMs: number; run: () => Promise<unknown> },
  modules: { clock: Clock; logger: Logger; signal: AbortSignal },
): Promise<void> {
  const { clock, logger, signal } = modules;
  while (!signal.aborted) {
    await task.run().catch((error: unknown) => {
      logger.warn("a periodic task failed; it runs again in its time", {
        task: task.name,
        error: coerceError(error).message,
      });
    });
    await sleep(clock, task.everyMs, signal);
  }
}
