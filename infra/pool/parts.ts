/** The parts of one process: started one after the other, stopped in the opposite order, also where a later one fails to start. */

import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

/** Remembers how a part that has just started is stopped. */
export type OnStop = (stop: () => Promise<unknown>) => void;

/** Runs `start`; when it rejects, whatever it had started is stopped first. */
export async function startParts<Started extends object>(
  logger: Logger,
  start: (onStop: OnStop) => Promise<Started>,
): Promise<Started & { stop(): Promise<void> }> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopPart of stops.splice(0).toReversed()) {
      await stopPart().catch((thrown: unknown) =>
        logger.error("a part did not stop cleanly", { error: coerceError(thrown).message }),
      );
    }
  };
  try {
    return { ...(await start((stopPart) => stops.push(stopPart))), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}
