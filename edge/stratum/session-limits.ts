/** What one connection may do: its rate of lines, its malformed lines, the part of its shares that is forged. Pure: times are handed in. */

import type { RefusalCode } from "../../shared/messages/refusals.ts";
import type { StratumSettings } from "./settings.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Refusals that an honest miner does not get. Late, duplicate and low shares, and shares of another edge's prefix, come from honest miners too. */
const FORGED: ReadonlySet<RefusalCode> = new Set(["malformed", "wrong-prefix", "wrong-hash"]);

export function isForged(code: RefusalCode): boolean {
  return FORGED.has(code);
}

/** How many requests of a new session may be without an answer: few, because it has shown nothing yet. */
const FIRST_WINDOW = 4;

export class SessionLimits {
  readonly #settings: StratumSettings;
  readonly #lines: TokenBucket;
  #malformed = 0;
  /** 1 = forged, for the last `invalidWindow` shares. */
  readonly #verdicts: number[] = [];
  #forged = 0;
  #window = FIRST_WINDOW;

  constructor(settings: StratumSettings, nowMs: number) {
    this.#settings = settings;
    this.#lines = new TokenBucket({ perSecond: settings.linesPerSecond, burst: settings.lineBurst }, nowMs);
  }

  /** How many requests may be without an answer now. Each good share raises this by one; a forged share sets it back to the first value. */
  get window(): number {
    return Math.min(this.#window, this.#settings.maxInFlight);
  }

  /** Counts a line; returns how many milliseconds to leave the next one unread, 0 = none. */
  line(nowMs: number): number {
    const left = this.#lines.take(1, nowMs);
    return left >= 0 ? 0 : (-left * 1000) / this.#settings.linesPerSecond;
  }

  /** Counts a malformed line; true = enough of them. */
  malformed(): boolean {
    this.#malformed += 1;
    return this.#malformed >= this.#settings.malformedLimit;
  }

  /** Counts a verdict; true = more than half of a full window is forged. Stale, low and duplicate shares count as shares that are not forged. */
  share(code: RefusalCode | "accepted"): boolean {
    const forged = code !== "accepted" && isForged(code) ? 1 : 0;
    if (forged === 1) this.#window = FIRST_WINDOW;
    else if (code === "accepted" && this.#window < this.#settings.maxInFlight) this.#window += 1;
    this.#verdicts.push(forged);
    this.#forged += forged;
    if (this.#verdicts.length <= this.#settings.invalidWindow) return false;
    this.#forged -= this.#verdicts.shift() ?? 0;
    return this.#forged * 2 > this.#settings.invalidWindow;
  }
}
