/** Tells when the chain stands still: no new height for so long, by the monotonic clock. */

import type { Clock, Timer } from "../../shared/clock.ts";

export interface StallWatch {
  /** A new height has come. Starts the watch. */
  rose(height: number): void;
  /** Monotonic; undefined before the first height. */
  lastAtMs(): number | undefined;
  stop(): void;
}

/** `onStalled` is called once a stall, with the height that no other has followed for `afterMs`. */
export function createStallWatch(
  { afterMs }: { readonly afterMs: number },
  { clock }: { readonly clock: Clock },
  onStalled: (height: number) => void,
): StallWatch {
  let timer: Timer | undefined;
  let lastAtMs: number | undefined;
  let isStopped = false;
  return {
    rose(height) {
      lastAtMs = clock.monotonicMs();
      timer?.stop();
      if (!isStopped) timer = clock.after(afterMs, () => onStalled(height));
    },
    lastAtMs: () => lastAtMs,
    stop() {
      isStopped = true;
      timer?.stop();
    },
  };
}
