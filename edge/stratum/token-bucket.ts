/** A token bucket: N events a second, and M at once after a quiet time. Pure; times are passed in. */

export interface TokenRate {
  readonly perSecond: number;
  /** Tokens when it is full. */
  readonly burst: number;
}

/** Full at first. */
export class TokenBucket {
  readonly #rate: TokenRate;
  #tokens: number;
  #filledMs: number;

  constructor(rate: TokenRate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledMs = nowMs;
  }

  /** Tokens by now; below 0 where more were taken than there were. */
  left(nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    return Math.min(burst, this.#tokens + ((nowMs - this.#filledMs) * perSecond) / 1000);
  }

  /** Takes `count` tokens even if there are fewer, but leaves no less than `lowest`. Returns what is left. */
  take(count: number, nowMs: number, lowest = Number.NEGATIVE_INFINITY): number {
    this.#tokens = Math.max(lowest, this.left(nowMs) - count);
    this.#filledMs = nowMs;
    return this.#tokens;
  }
}
