/**
 * What shares were refused, and why: the newest ones whole, for who asks about one (docs/decisions/share-story.md), and counts by reason for the
 * pages. Both are bounded, and lost with the process: no money depends on them.
 */

import type { Clock } from "../../shared/clock.ts";
import type { RefusedCount } from "../../shared/db/refused.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { RefusalCode } from "../../shared/messages/refusals.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { SubmittedShare } from "../stratum/backend.ts";

/** Of the newest refused shares; each is some 300 bytes. */
const REMEMBERED = 8_192;
/** The most counters between two writes; refusals beyond are in the metrics only. */
const MOST_COUNTERS = 8_192;
const HOUR_MS = 3_600_000;
const WRITE_EVERY_MS = 30_000;
/** In one statement. */
const WRITTEN_TOGETHER = 1_000;

/** One share that was refused. */
export interface RefusedShare {
  readonly user: string;
  readonly worker: string;
  /** As the miner sent it, in lower case; empty where no nonce is so long. */
  readonly nonce: string;
  readonly jobId: string;
  readonly atMs: number;
  /** How long before that its line was read, milliseconds. */
  readonly waitedMs: number;
  readonly code: RefusalCode;
  readonly reason: string;
}

export interface RefusedSharesModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly write: (counts: readonly RefusedCount[]) => Promise<void>;
}

const LONGEST_NONCE = 64;
const LONGEST_JOB_ID = 20;

/** A part of a text keeps all of it in memory: here a line of up to 4 KB. */
function ownCopy(part: string): string {
  return Buffer.from(part).toString();
}

export class RefusedShares {
  readonly #modules: RefusedSharesModules;
  readonly #ring: RefusedShare[] = [];
  #next = 0;
  #counts = new Map<string, RefusedCount>();

  constructor(modules: RefusedSharesModules) {
    this.#modules = modules;
  }

  add({ user, worker, nonce, jobId, readAtMs }: SubmittedShare, code: RefusalCode, reason: string): void {
    const { clock } = this.#modules;
    const atMs = clock.wallMs();
    this.#ring[this.#next] = {
      ...{ user, worker, atMs, code, reason },
      waitedMs: Math.max(0, Math.round(clock.monotonicMs() - readAtMs)),
      nonce: nonce.length <= LONGEST_NONCE ? ownCopy(nonce.toLowerCase()) : "",
      jobId: jobId.length <= LONGEST_JOB_ID ? ownCopy(jobId) : "",
    };
    this.#next = (this.#next + 1) % REMEMBERED;
    this.#count({ user, worker, atMs: Math.floor(atMs / HOUR_MS) * HOUR_MS, reason: code, shares: 1 });
  }

  /** Those of this nonce, the newest first. */
  find(nonce: string): RefusedShare[] {
    return this.#ring.filter((one) => one.nonce === nonce).sort((a, b) => b.atMs - a.atMs);
  }

  /** Writes the counts until `signal`, and once more then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#modules;
    const task = { name: "refused shares", everyMs: WRITE_EVERY_MS, run: () => this.#write() };
    await runEvery(task, { clock, logger, signal });
    await this.#write().catch((error: unknown) =>
      logger.warn("the last counts of refused shares were not written", {
        error: coerceError(error).message,
      }),
    );
  }

  #count(one: RefusedCount): void {
    // A user name has no comma, a reason and a number have no space.
    const key = `${one.reason} ${one.atMs} ${one.user},${one.worker}`;
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= MOST_COUNTERS) return;
    this.#counts.set(key, known === undefined ? one : { ...known, shares: known.shares + one.shares });
  }

  async #write(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    for (let at = 0; at < counts.length; at += WRITTEN_TOGETHER) {
      try {
        await this.#modules.write(counts.slice(at, at + WRITTEN_TOGETHER));
      } catch (error) {
        for (const one of counts.slice(at)) this.#count(one);
        throw error;
      }
    }
  }
}
