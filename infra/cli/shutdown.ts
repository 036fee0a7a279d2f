/** Ctrl-C and SIGTERM: the first asks every part to stop, the second ends the process at once. */

import { systemClock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";

/** One key press comes twice under npm: the terminal signals npm too, and npm passes it on. */
const SAME_PRESS_MS = 500;

/** Aborts on the first signal. */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (systemClock.monotonicMs() - firstMs > SAME_PRESS_MS) process.exit(130);
        return;
      }
      firstMs = systemClock.monotonicMs();
      logger.info("stopping; press Ctrl-C again to stop at once", { signal: name });
      controller.abort();
    });
  }
  return controller.signal;
}
