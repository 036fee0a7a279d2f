/**
 * Watches for a chain that stands still. Three block periods without a new block are an alarm: it is logged once when it begins and once when it
 * ends.
 */

import { type Clock, sleep } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";

/** One block may be late, and on a real network now and then two are. */
const STALLED_AFTER_BLOCKS = 3;
/** Test networks may be quicker than this. There a busy machine alone can make the chain late by three blocks. */
const STALLED_AFTER_MS_MIN = 15_000;
const LOOKS_A_BLOCK = 10;

export interface StallWatch {
  /** A new top height was seen. */
  rose(height: number): void;
  /** Milliseconds since the last block, once they are too many; undefined while blocks come. */
  stalledMs(): number | undefined;
  /** Looks until `signal` aborts; the time without a block begins here. */
  run(signal: AbortSignal): Promise<void>;
}

/** `onStalled` is called once a stall; the next height ends it. */
export function createStallWatch(
  options: { readonly blockMs: number },
  modules: { readonly clock: Clock; readonly logger: Logger },
  onStalled: () => void = () => undefined,
): StallWatch {
  const { clock, logger } = modules;
  const limitMs = Math.max(STALLED_AFTER_BLOCKS * options.blockMs, STALLED_AFTER_MS_MIN);
  let lastMs = clock.monotonicMs();
  let height: number | undefined;
  let isTold = false;
  const sinceMs = (): number => clock.monotonicMs() - lastMs;
  const seconds = (ms: number): number => Math.round(ms / 1000);
  const stalledMs = (): number | undefined => (sinceMs() >= limitMs ? sinceMs() : undefined);
  return {
    stalledMs,
    rose(next) {
      if (isTold) logger.warn("the chain goes on", { height: next, stoodStillSeconds: seconds(sinceMs()) });
      isTold = false;
      lastMs = clock.monotonicMs();
      height = next;
    },
    async run(signal) {
      lastMs = clock.monotonicMs();
      while (!signal.aborted) {
        await sleep(clock, options.blockMs / LOOKS_A_BLOCK, signal);
        const stalled = stalledMs();
        if (isTold || stalled === undefined || signal.aborted) continue;
        isTold = true;
        onStalled();
        logger.error(
          "the chain stands still: three block periods without a block; see whether factomd follows its network",
          {
            height,
            seconds: seconds(stalled),
          },
        );
      }
    },
  };
}
