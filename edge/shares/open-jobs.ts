/** The jobs whose shares are taken: the current one, and the previous for a short while (DESIGN.md, "The path of a share"). */

import type { JobRecord } from "../journal/records.ts";
import type { SeenNonces } from "./seen.ts";

/** A job while its shares are taken or still on their way through the checks. */
export interface OpenJob extends JobRecord {
  readonly oprHashBytes: Uint8Array;
  readonly seen: SeenNonces;
  /** Monotonic: lines read later than this are too late. */
  lateUntilMs: number;
  /** Shares past the first check that have no verdict yet. */
  inFlight: number;
}

export type NamedJob =
  | { readonly kind: "job"; readonly job: OpenJob; readonly late: boolean }
  | { readonly kind: "refused"; readonly code: "stale" | "malformed"; readonly reason: string };

export class OpenJobs {
  readonly #lateMs: number;
  #current: OpenJob | undefined;
  #previous: OpenJob | undefined;
  /** Over, but with shares in flight. */
  #leaving: OpenJob[] = [];

  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  current(): OpenJob | undefined {
    return this.#current;
  }

  /** The job that rejections and releases belong to now. */
  newest(): OpenJob | undefined {
    return this.#current ?? this.#previous;
  }

  /** The current job's height is over, seen at this monotonic time: its late time runs. */
  endCurrent(seenAtMs: number): void {
    if (this.#current === undefined) return;
    if (this.#previous !== undefined) this.#leaving.push(this.#previous);
    this.#current.lateUntilMs = seenAtMs + this.#lateMs;
    this.#previous = this.#current;
    this.#current = undefined;
  }

  open(job: OpenJob): void {
    this.#current = job;
  }

  /** All that shares may still be credited for. */
  live(): OpenJob[] {
    return [...this.#leaving, this.#previous, this.#current].filter((job) => job !== undefined);
  }

  /** The job that a share is for. The oprHash decides; the job id may also be the current one's, as the Go miner's late shares have it. */
  find(oprHash: string, jobId: string, readAtMs: number): NamedJob {
    const job = [this.#current, this.#previous].find((candidate) => candidate?.oprHash === oprHash);
    if (job === undefined || readAtMs > job.lateUntilMs) {
      return { kind: "refused", code: "stale", reason: this.#staleReason(job) };
    }
    if (jobId !== String(job.height) && jobId !== String(this.#current?.height)) {
      const reason = `this oprHash is job ${job.height}'s, not ${JSON.stringify(jobId.slice(0, 20))}'s`;
      return { kind: "refused", code: "malformed", reason };
    }
    return { kind: "job", job, late: job !== this.#current };
  }

  #staleReason(job: OpenJob | undefined): string {
    if (job !== undefined) return `job ${job.height} is over`;
    if (this.#current === undefined) return "there is no job now; wait for the next notify";
    return `the oprHash is not that of job ${this.#current.height}`;
  }

  /** Takes out the jobs that no line read by now can name (`nowMs` less some slack) and that have nothing in flight. */
  takeOver(nowMs: number): OpenJob[] {
    if (this.#previous !== undefined && nowMs > this.#previous.lateUntilMs) {
      this.#leaving.push(this.#previous);
      this.#previous = undefined;
    }
    const over = this.#leaving.filter((job) => job.inFlight === 0);
    this.#leaving = this.#leaving.filter((job) => job.inFlight > 0);
    return over;
  }

  /** All of them, at a stop: nothing new is taken. Those with shares in flight are left for a later call. */
  takeAll(): OpenJob[] {
    for (const job of [this.#current, this.#previous]) if (job !== undefined) this.#leaving.push(job);
    this.#current = undefined;
    this.#previous = undefined;
    return this.takeOver(Number.NEGATIVE_INFINITY);
  }

  inFlight(): number {
    return [this.#current, this.#previous, ...this.#leaving].reduce(
      (sum, job) => sum + (job?.inFlight ?? 0),
      0,
    );
  }
}
