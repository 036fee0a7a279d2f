/** Work that is done once in each period, and sooner when asked; one run at a time. */

import type { Clock, Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

export interface PeriodicTask {
  /** Begins another run as soon as the present one is over. */
  kick(): void;
  /** Begins no new run; resolves when the present one is over. */
  stop(): Promise<void>;
}

/** Starts after the first period. A run that rejects is logged as `name`, and the next run tries again. */
export function startPeriodicTask(
  name: string,
  periodMs: number,
  work: () => Promise<void>,
  modules: { readonly clock: Clock; readonly logger: Logger },
): PeriodicTask {
  let stopped = false;
  let again = false;
  let running: Promise<void> | undefined;
  let timer: Timer = modules.clock.after(periodMs, start);

  function start(): void {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    timer.stop();
    again = false;
    running = work()
      .catch((error: unknown) =>
        modules.logger.warn("a periodic task failed; it is tried again", {
          task: name,
          error: coerceError(error).message,
        }),
      )
      .then(() => {
        running = undefined;
        if (stopped) return;
        if (again) start();
        else timer = modules.clock.after(periodMs, start);
      });
  }

  return {
    kick: start,
    async stop() {
      stopped = true;
      timer.stop();
      await running;
    },
  };
}
