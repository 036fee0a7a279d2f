/** The parts of one process: started one after the other, stopped in the opposite order, also where a later one fails to start. */

import { coerceError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";

/** Remembers how a part that has just started is stopped. */
export type OnStop = (stop: () => Promise<unknown>) => void;

/**
 * Runs `start`; when it rejects, whatever it had started is stopped first. `stopping` aborts before the first part is stopped. A part that
 * does not stop cleanly is logged, and the others are stopped all the same.
 */
export async function startParts<Started extends object>(
  logger: Logger,
  start: (onStop: OnStop, stopping: AbortSignal) => Promise<Started>,
): Promise<Started & { stop(): Promise<void> }> {
  const stops: (() => Promise<unknown>)[] = [];
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const stopPart of stops.splice(0).toReversed()) {
      await stopPart().catch((thrown: unknown) =>
        logger.error("a part did not stop cleanly", { error: coerceError(thrown).message }),
      );
    }
  };
  try {
    return { ...(await start((stopPart) => stops.push(stopPart), stopping.signal)), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/**
 * Two parts that start side by side. Resolves when both have started; rejects when neither starts any more, so that what one has started is known to
 * whoever stops it, with the first one's reason where both failed.
 */
export async function bothStarted<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}
