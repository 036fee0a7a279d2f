/** How long a session may be silent: until its login, between two lines, and between two valid shares. Pure bookkeeping; times are passed in. */

import type { EndReason } from "./metrics.ts";
import type { StratumSettings } from "./settings.ts";

/** What the deadlines depend on. */
export interface Standing {
  readonly isLoggedIn: boolean;
  /** Since when the answer to a login is awaited; undefined: none is. */
  readonly loginAskedMs: number | undefined;
  /** There is something to mine. */
  readonly hasJob: boolean;
}

export class SessionDeadlines {
  readonly #settings: StratumSettings;
  readonly #connectedMs: number;
  #lastLineMs: number;
  /** Time of the last valid share, or of the connection if there was none. */
  #lastShareMs: number;
  /** The last time at which there was no job. A miner has nothing to say without a job, and its time begins anew with the next one. */
  #joblessMs = 0;

  constructor(settings: StratumSettings, nowMs: number) {
    this.#settings = settings;
    this.#connectedMs = nowMs;
    this.#lastLineMs = nowMs;
    this.#lastShareMs = nowMs;
  }

  /** A line with more than whitespace was read. */
  heard(readAtMs: number): void {
    this.#lastLineMs = readAtMs;
  }

  shareTaken(nowMs: number): void {
    this.#lastShareMs = nowMs;
  }

  /** The deadline that has passed, if any. Called about once a second. */
  overdue(nowMs: number, { isLoggedIn, loginAskedMs, hasJob }: Standing): EndReason | undefined {
    const { authorizeDeadlineMs, idleMs } = this.#settings;
    if (loginAskedMs !== undefined && nowMs - loginAskedMs >= authorizeDeadlineMs) return "no-verdict";
    if (!isLoggedIn && nowMs - this.#connectedMs >= authorizeDeadlineMs) return "authorize-deadline";
    if (!hasJob) this.#joblessMs = nowMs;
    return nowMs - Math.max(this.#joblessMs, this.#lastLineMs) >= idleMs ? "idle" : undefined;
  }

  /** True if it has sent no valid share for so long that others may take its place (for sessions that have logged in). */
  isShareless(nowMs: number): boolean {
    return nowMs - Math.max(this.#joblessMs, this.#lastShareMs) >= this.#settings.sharelessMs;
  }
}
