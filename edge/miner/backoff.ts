/**
 * How long to wait before the next attempt to connect. The wait doubles up to a limit. A random time between half of it and all of it is taken, so
 * that a pool's miners do not all come back at once.
 */

import type { Random } from "../../shared/clock.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The wait before attempt `failures` + 1 (`failures` ≥ 1 so far): between half and all of firstMs · 2^(failures − 1), at most maxMs. */
export function backoffMs(options: BackoffOptions, failures: number, random: Random): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(failures - 1, 30));
  const [high = 0, low = 0] = random(2);
  return full * (0.5 + (high * 256 + low) / 131_072);
}
