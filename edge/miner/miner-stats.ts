/** What a miner has done: hashes and their rate, shares and what became of them. */

import type { StratumError } from "../../shared/messages/stratum.ts";
import { STRATUM_ERRORS } from "../../shared/messages/stratum.ts";

export interface MinerStats {
  readonly connected: boolean;
  readonly authorized: boolean;
  /** Hashes a second over the last ten seconds. */
  readonly hashrate: number;
  readonly hashes: number;
  readonly submitted: number;
  readonly accepted: number;
  /** Refused shares by the pool's error name; a name that we do not know counts as "other". */
  readonly rejected: Readonly<Record<string, number>>;
  /** Shares that could not be sent while their job lived. */
  readonly lost: number;
  /** Height being mined, undefined while there is no job. */
  readonly height: number | undefined;
  /** The part of its table that is made, 0 to 1; undefined when it is not making one. */
  readonly tablePart: number | undefined;
  readonly target: bigint;
  readonly reconnects: number;
}

const WINDOW_MS = 10_000;

/** Counts hashes and tells their rate over the last ten seconds. */
export class RateMeter {
  #total = 0;
  #samples: { readonly atMs: number; readonly total: number }[] = [];

  get total(): number {
    return this.#total;
  }

  add(hashes: number, nowMs: number): void {
    if (this.#samples.length === 0) this.#samples.push({ atMs: nowMs, total: this.#total });
    this.#total += hashes;
    this.#samples.push({ atMs: nowMs, total: this.#total });
    this.#forget(nowMs);
  }

  /** 0 before the first report and after ten seconds without one. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#samples[0];
    const elapsed = first === undefined ? 0 : nowMs - first.atMs;
    return first === undefined || elapsed <= 0 ? 0 : ((this.#total - first.total) * 1_000) / elapsed;
  }

  #forget(nowMs: number): void {
    const fresh = this.#samples.findIndex((sample) => nowMs - sample.atMs <= WINDOW_MS);
    this.#samples = fresh < 0 ? [] : this.#samples.slice(fresh);
  }
}

/** The name under which a refusal is counted. The list of names is fixed, whatever a pool sends. */
export function rejectionName(error: StratumError | undefined): string {
  return error !== undefined && Object.hasOwn(STRATUM_ERRORS, error.message) ? error.message : "other";
}
