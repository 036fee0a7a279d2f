/** Ctrl-C and SIGTERM: the first asks every part to stop, the second ends the process at once. */

import type { Logger } from "../../shared/logger.ts";

/** Aborts on the first signal. */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      logger.info("stopping; press Ctrl-C again to stop at once", { signal: name });
      controller.abort();
    });
  }
  return controller.signal;
}
