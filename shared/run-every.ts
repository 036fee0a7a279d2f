/** Runs a function again and again, one run at a time, until a signal. */

import { type Clock, sleep } from "./clock.ts";
import { coerceError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/**
 * A failed run is logged and the next one comes in its time. Resolves once `signal` aborts: after the last run, or at once where `isLeft` says that
 * nobody needs its end.
 */
export async function runEvery(
  task: { name: string; everyMs: number; isLeft?: boolean; run: () => Promise<unknown> },
  modules: { clock: Clock; logger: Logger; signal: AbortSignal },
): Promise<void> {
  const { clock, logger, signal } = modules;
  while (!signal.aborted) {
    const run = task.run().catch((error: unknown) => {
      logger.warn("a periodic task failed; it runs again in its time", {
        task: task.name,
        error: coerceError(error).message,
      });
    });
    await (task.isLeft === true ? endOf(run, signal) : run);
    await sleep(clock, task.everyMs, signal);
  }
}

/** When the run has ended, or there is no more time for it. */
function endOf(run: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    void run.then(done);
  });
}
