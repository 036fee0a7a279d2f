/**
 * The jobs whose shares are taken: the one being mined, and those whose late time still runs. What miners are told and what they are paid for end
 * together (docs/design.md, "What is told and what is paid end together").
 */

import type { JobRecord } from "../journal/records.ts";
import type { Prefix } from "./prefixes.ts";
import type { SeenNonces } from "./seen.ts";

/** A stretch of time in which miners were told to mine a job. It is given by the serials of the prefixes that they could have had in it. */
export interface Run {
  /** Earlier prefixes count for nothing: whoever had one could have hashed while the job was stopped. */
  readonly from: number;
  /** Infinite while it goes on. */
  to: number;
  /** Monotonic: lines read later than this are too late. Infinite while it goes on. */
  lateUntilMs: number;
}

/** A job while its shares are taken or still on their way through the checks. */
export interface OpenJob extends JobRecord {
  readonly oprHashBytes: Uint8Array;
  readonly seen: SeenNonces;
  /** Oldest first. */
  runs: Run[];
  /** Shares past the first check that have no verdict yet. */
  inFlight: number;
}

export type NamedJob =
  | { readonly kind: "job"; readonly job: OpenJob }
  | { readonly kind: "refused"; readonly code: "stale" | "malformed"; readonly reason: string };

/** `over`: the share was found after miners were told to stop, or its prefix belongs to no run of the job. */
export type Timing = "in-time" | "late" | "over";

export class OpenJobs {
  readonly #lateMs: number;
  #current: OpenJob | undefined;
  /** Over, but in their late time or with shares in flight; oldest first. */
  #ended: OpenJob[] = [];

  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  /** The job of the height being mined, whether miners are told to mine it now or not. */
  current(): OpenJob | undefined {
    return this.#current;
  }

  /** The newest job: refused shares and released prefixes belong to it. */
  newest(): OpenJob | undefined {
    return this.#current ?? this.#ended.at(-1);
  }

  /** True while miners are told to mine. */
  isRunning(): boolean {
    return this.#current?.runs.at(-1)?.to === Number.POSITIVE_INFINITY;
  }

  /** The serial of the first prefix under which the current job may be mined; undefined while miners are to do nothing. */
  freshFrom(): number | undefined {
    return this.isRunning() ? this.#current?.runs.at(-1)?.from : undefined;
  }

  /** Takes the job's shares from now on. */
  open(job: OpenJob): void {
    this.#current = job;
  }

  /** Miners are told to stop, at this monotonic time: the late time of prefixes up to `lastSerial` runs. False: they were not mining. */
  stop(atMs: number, lastSerial: number): boolean {
    const run = this.#current?.runs.at(-1);
    if (run === undefined || run.to !== Number.POSITIVE_INFINITY) return false;
    run.to = lastSerial;
    run.lateUntilMs = atMs + this.#lateMs;
    return true;
  }

  /** The same job is mined again, with prefixes from `firstSerial` on. */
  resume(nowMs: number, firstSerial: number): void {
    const job = this.#current;
    if (job === undefined || this.isRunning()) return;
    job.runs = [...job.runs.filter(({ lateUntilMs }) => lateUntilMs >= nowMs), runFrom(firstSerial)];
  }

  /** The current job's height is over. Its late time begins now, or began when the job was stopped before. */
  end(atMs: number, lastSerial: number): void {
    if (this.#current === undefined) return;
    this.stop(atMs, lastSerial);
    this.#ended.push(this.#current);
    this.#current = undefined;
  }

  /** All that shares may still be credited for. */
  live(): OpenJob[] {
    return this.#current === undefined ? [...this.#ended] : [...this.#ended, this.#current];
  }

  /**
   * The job that a share is for. The oprHash decides. The job id may also be that of the current job, because the Go miner sends it with late shares.
   */
  find(oprHash: string, jobId: string): NamedJob {
    const job = this.live().find((candidate) => candidate.oprHash === oprHash);
    if (job === undefined) return { kind: "refused", code: "stale", reason: this.#staleReason() };
    if (jobId !== String(job.height) && jobId !== String(this.#current?.height)) {
      const reason = `this oprHash is job ${job.height}'s, not ${JSON.stringify(jobId.slice(0, 20))}'s`;
      return { kind: "refused", code: "malformed", reason };
    }
    return { kind: "job", job };
  }

  /** Removes and returns the jobs that no line read by now can be for (`nowMs` already has some slack taken off) and that have nothing in flight. */
  takeOver(nowMs: number): OpenJob[] {
    return this.#take((job) => nowMs > endsAtMs(job));
  }

  /** For a stop: no new shares are taken, and all jobs are removed and returned. Those with shares in flight are left for a later call. */
  takeAll(): OpenJob[] {
    if (this.#current !== undefined) this.#ended.push(this.#current);
    this.#current = undefined;
    return this.#take(() => true);
  }

  inFlight(): number {
    return this.live().reduce((sum, job) => sum + job.inFlight, 0);
  }

  #take(isDue: (job: OpenJob) => boolean): OpenJob[] {
    const isOver = (job: OpenJob): boolean => job.inFlight === 0 && isDue(job);
    const over = this.#ended.filter(isOver);
    this.#ended = this.#ended.filter((job) => !isOver(job));
    return over;
  }

  #staleReason(): string {
    if (this.#current === undefined) return "there is no job now; wait for the next notify";
    return `the oprHash is not that of job ${this.#current.height}`;
  }
}

/** A run that begins with the prefix of this serial; 0: with all there are, which is right for a job that nobody knew before. */
export function runFrom(firstSerial: number): Run {
  return { from: firstSerial, to: Number.POSITIVE_INFINITY, lateUntilMs: Number.POSITIVE_INFINITY };
}

/** The last time at which a line that counts may be read; infinite while the job is mined. */
export function endsAtMs({ runs }: OpenJob): number {
  return Math.max(...runs.map(({ lateUntilMs }) => lateUntilMs), Number.NEGATIVE_INFINITY);
}

/** Whether a share under this prefix, in a line read at this time, counts. */
export function timingOf({ runs }: OpenJob, { serial }: Prefix, readAtMs: number): Timing {
  const run = runs.find(({ from, to }) => serial >= from && serial <= to);
  if (run === undefined || readAtMs > run.lateUntilMs) return "over";
  return run.to === Number.POSITIVE_INFINITY ? "in-time" : "late";
}
