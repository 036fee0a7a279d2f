/** Measures what a miner does at `mining.stop_mining` and `mining.set_nonce`: which shares still come, and for how long. */

/** What came after one stop, up to the next announcement. */
interface Stop {
  readonly atMs: number;
  shares: number;
  lastMs: number;
}

/** What came after one new prefix, up to the next one. */
interface Change {
  readonly atMs: number;
  readonly prefix: string;
  /** Of earlier prefixes. */
  oldShares: number;
  lastOldMs: number;
  /** The first share of the new prefix. */
  firstMs: number | undefined;
  firstCounter: number;
}

export class Signals {
  /** Shares that the miner sent. */
  shares = 0;
  readonly #stops: Stop[] = [];
  readonly #changes: Change[] = [];
  #stopped: Stop | undefined;

  /** The server says this, at this monotonic time. */
  told(method: string, params: readonly string[], nowMs: number): void {
    if (method === "mining.stop_mining" && this.#stopped === undefined) {
      this.#stopped = { atMs: nowMs, shares: 0, lastMs: 0 };
      this.#stops.push(this.#stopped);
    } else if (method === "mining.notify") {
      this.#stopped = undefined;
    } else if (method === "mining.set_nonce") {
      const prefix = Number(params[0]).toString(16).padStart(8, "0");
      const nothing = { oldShares: 0, lastOldMs: 0, firstMs: undefined, firstCounter: 0 };
      this.#changes.push({ atMs: nowMs, prefix, ...nothing });
    }
  }

  /** The miner sends a share. Its nonce: four bytes of prefix, one of its thread, four that count. */
  share(nonce: string, nowMs: number): void {
    this.shares += 1;
    if (this.#stopped !== undefined) {
      this.#stopped.shares += 1;
      this.#stopped.lastMs = nowMs - this.#stopped.atMs;
    }
    const change = this.#changes.at(-1);
    if (change === undefined) return;
    if (!nonce.toLowerCase().startsWith(change.prefix)) {
      change.oldShares += 1;
      change.lastOldMs = nowMs - change.atMs;
    } else if (change.firstMs === undefined) {
      change.firstMs = nowMs - change.atMs;
      change.firstCounter = Number.parseInt(nonce.slice(10), 16);
    }
  }

  /** Lines for a person: median and largest of each figure. */
  lines(): string[] {
    const stops = this.#stops;
    const changes = this.#changes.filter((change) => change.firstMs !== undefined);
    return [
      `${this.shares} shares; median and largest of each:`,
      `${stops.length} stops: shares after it ${spread(stops.map(({ shares }) => shares))}, the last one after ms ${spread(stops.map(({ lastMs }) => lastMs))}`,
      `${changes.length} of ${this.#changes.length} new prefixes were used: shares of the old one after it ${spread(changes.map(({ oldShares }) => oldShares))}, the last one after ms ${spread(changes.map(({ lastOldMs }) => lastOldMs))}`,
      `the first share of the new one after ms ${spread(changes.map(({ firstMs }) => firstMs ?? 0))}, its counter ${spread(changes.map(({ firstCounter }) => firstCounter))}`,
    ];
  }
}

/** Median and largest. */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${median.toFixed(0)} / ${(sorted.at(-1) ?? 0).toFixed(0)}`;
}
