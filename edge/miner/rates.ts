/** Hash rates of a miner over the last ten seconds, minute and quarter of an hour, as rig managers show them. */

/** Hashes a second. */
export interface Rates {
  readonly tenSeconds: number;
  readonly minute: number;
  readonly quarterHour: number;
  /** Of ten seconds; 0 until ten have passed. */
  readonly highest: number;
}

const TEN_SECONDS_MS = 10_000;
const MINUTE_MS = 60_000;
const QUARTER_HOUR_MS = 900_000;
/** Reports that come sooner are summed. */
const SPACING_MS = 250;
const SAMPLES = QUARTER_HOUR_MS / SPACING_MS + 1;

/** Counts hashes, and knows how many there were at each moment of the last quarter of an hour. */
export class RateMeter {
  readonly #atMs = new Float64Array(SAMPLES);
  readonly #totals = new Float64Array(SAMPLES);
  /** Samples taken so far; the newest SAMPLES of them are kept. */
  #taken = 0;
  #total = 0;
  #highest = 0;

  get total(): number {
    return this.#total;
  }

  /** `nowMs` of the monotonic clock. */
  add(hashes: number, nowMs: number): void {
    if (this.#taken === 0) this.#sample(nowMs);
    this.#total += hashes;
    if (nowMs - this.#at(this.#taken - 1) < SPACING_MS) return;
    this.#sample(nowMs);
    if (nowMs - this.#at(0) >= TEN_SECONDS_MS)
      this.#highest = Math.max(this.#highest, this.#perSecond(TEN_SECONDS_MS, nowMs));
  }

  /** Each 0 before the first report, and when there was none in its time. */
  rates(nowMs: number): Rates {
    return {
      tenSeconds: this.#perSecond(TEN_SECONDS_MS, nowMs),
      minute: this.#perSecond(MINUTE_MS, nowMs),
      quarterHour: this.#perSecond(QUARTER_HOUR_MS, nowMs),
      highest: this.#highest,
    };
  }

  #sample(nowMs: number): void {
    this.#atMs[this.#taken % SAMPLES] = nowMs;
    this.#totals[this.#taken % SAMPLES] = this.#total;
    this.#taken += 1;
  }

  /** When sample `n` was taken, counted from the oldest that is kept where `n` is 0. */
  #at(n: number): number {
    return this.#atMs[Math.max(n, this.#taken - SAMPLES) % SAMPLES] ?? 0;
  }

  #perSecond(windowMs: number, nowMs: number): number {
    let [low, high] = [Math.max(0, this.#taken - SAMPLES), this.#taken];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nowMs - this.#at(middle) > windowMs) low = middle + 1;
      else high = middle;
    }
    if (low === this.#taken) return 0;
    const elapsedMs = nowMs - this.#at(low);
    return elapsedMs <= 0 ? 0 : ((this.#total - (this.#totals[low % SAMPLES] ?? 0)) * 1_000) / elapsedMs;
  }
}
