/** Sends the best shares of a job to factomd as OPR entries: commit and reveal, retried while the job lives (docs/spec.md, "Submissions"). */

import { u64ToBytes } from "../../shared/bytes.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import {
  addBestTarget,
  bestTargets,
  type JobRow,
  readSubmissions,
  recordSubmission,
  type SubmissionRow,
} from "../../shared/db/jobs.ts";
import type { Db } from "../../shared/db/port.ts";
import { decideSubmission } from "../../shared/difficulty/best-targets.ts";
import { coerceError } from "../../shared/errors.ts";
import { signEntry } from "../../shared/factom/commit.ts";
import type { KeyPair } from "../../shared/factom/ed25519.ts";
import { type Entry, encodeEntry, entryHash, OPR_CHAIN } from "../../shared/factom/entry.ts";
import type { Logger } from "../../shared/logger.ts";

/** A journaled share of the current job; a late one never gets here. */
export interface SubmittableShare {
  height: number;
  user: string;
  worker: string;
  nonce: Uint8Array;
  /** What the share really reached. */
  difficulty: bigint;
}

export interface SubmitterOptions {
  /** How many of a job's best shares go to the chain, at most; 0: no limit. */
  softmax: number;
  /** Entry-credit key that pays. */
  payer: KeyPair;
  /** The most entries that may be on their way. When there are more, the newest is recorded as abandoned. */
  queueLimit?: number;
  retryMs?: number;
}

export interface SubmitterModules {
  db: Db;
  /** Rejects when factomd refuses or cannot be asked. A commit that factomd has already is no error. */
  commit: (message: Uint8Array) => Promise<void>;
  reveal: (message: Uint8Array) => Promise<void>;
  /** This edge's slot, for the record. */
  slot: () => number;
  clock: Clock;
  logger: Logger;
}

/** How many blocked shares are recorded for each job. The rest are only counted: without a threshold every share may be blocked. */
const BLOCKED_RECORDS_PER_JOB = 100;
const QUEUE_LIMIT = 256;
const RETRY_MS = 500;
const RETRY_MAX_MS = 5_000;

interface CurrentJob {
  row: JobRow;
  best: readonly bigint[];
  seen: Set<string>;
  blockedRecords: number;
  life: AbortController;
}

/** One for each edge. `openJob` starts a job, `offer` takes its shares; entries are sent in the background. */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #modules: SubmitterModules;
  readonly #counts = { revealed: 0, blocked: 0, abandoned: 0 };
  readonly #sending = new Set<Promise<void>>();
  #current: CurrentJob | undefined;

  constructor(options: SubmitterOptions, modules: SubmitterModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /**
   * Starts a job with the best list and the submissions that the database has of it. Unfinished submissions go on. A second call for the same job
   * changes nothing.
   */
  async openJob(row: JobRow): Promise<void> {
    if (this.#current?.row.height === row.height) return;
    this.#current?.life.abort();
    this.#current = undefined;
    const { db, slot } = this.#modules;
    const [best, known] = await Promise.all([
      bestTargets(db, row.height, this.#options.softmax),
      readSubmissions(db, row.height, slot()),
    ]);
    const seen = new Set(known.map((old) => old.entryHash));
    const job: CurrentJob = { row, best, seen, blockedRecords: 0, life: new AbortController() };
    this.#current = job;
    for (const old of known) {
      if (old.state === "pending" || old.state === "committed")
        this.#launch(job, old, oprEntry(row, old.nonce, old.target));
    }
  }

  /** Decides at once whether the share goes to the chain. The same share twice is sent once. */
  offer(share: SubmittableShare): void {
    const job = this.#current;
    if (job === undefined || share.height !== job.row.height) return;
    const { threshold } = job.row;
    const { softmax } = this.#options;
    const ema = threshold === 0n ? undefined : threshold;
    const { verdict, best } = decideSubmission(share.difficulty, { ema, best: job.best, softmax });
    if (verdict === "below-ema") return;
    if (verdict === "blocked" && job.blockedRecords >= BLOCKED_RECORDS_PER_JOB) {
      // Without its entry and that one's hash: where there is no threshold, nearly every share ends here.
      this.#counts.blocked++;
      return;
    }
    const entry = oprEntry(job.row, share.nonce, share.difficulty);
    const row = submissionRow(job.row, share, entryHash(encodeEntry(entry)), this.#modules.slot());
    if (job.seen.has(row.entryHash)) return;
    job.seen.add(row.entryHash);
    if (verdict === "blocked") {
      this.#block(job, row);
    } else {
      job.best = best;
      this.#launch(job, row, entry);
    }
  }

  stats(): { revealed: number; blocked: number; abandoned: number; pending: number } {
    return { ...this.#counts, pending: this.#sending.size };
  }

  /** Gives up the entries that are on their way, and waits until that is recorded. */
  async close(): Promise<void> {
    this.#current?.life.abort();
    this.#current = undefined;
    await Promise.all(this.#sending);
  }

  #block(job: CurrentJob, row: SubmissionRow): void {
    this.#counts.blocked++;
    job.blockedRecords++;
    const reason = `not among the best ${this.#options.softmax} of the job`;
    this.#track(this.#record({ ...row, state: "blocked", reason }));
  }

  #launch(job: CurrentJob, row: SubmissionRow, entry: Entry): void {
    if (this.#sending.size >= (this.#options.queueLimit ?? QUEUE_LIMIT)) {
      this.#track(this.#abandon(row, "too many entries on their way to factomd"));
      return;
    }
    this.#track(this.#send(job, row, entry));
  }

  #track(work: Promise<void>): void {
    const { logger } = this.#modules;
    const settled = work
      .catch((error: unknown) => logger.error("submitting failed", { error: coerceError(error).message }))
      .finally(() => this.#sending.delete(settled));
    this.#sending.add(settled);
  }

  async #send(job: CurrentJob, row: SubmissionRow, entry: Entry): Promise<void> {
    const { db, clock } = this.#modules;
    await this.#record(row);
    if (this.#options.softmax > 0) {
      // The best shares of other edges count too. While the database is away, this edge goes on with its own.
      const merged = await addBestTarget(
        db,
        row.height,
        row.target,
        row.entryHash,
        this.#options.softmax,
      ).catch(() => undefined);
      if (merged !== undefined) job.best = merged;
    }
    const signed = signEntry({ entry, payer: this.#options.payer, timestampMs: clock.wallMs() });
    const steps = [
      { attempt: () => this.#modules.commit(signed.commit), reached: "committed" },
      { attempt: () => this.#modules.reveal(signed.reveal), reached: "revealed" },
    ] as const;
    for (const { attempt, reached } of steps) {
      const failure = await this.#persist(attempt, job.life.signal);
      if (failure !== undefined) return this.#abandon(row, failure);
      await this.#record({ ...row, state: reached });
    }
    this.#counts.revealed++;
  }

  /** Tries until it works, and then resolves to undefined. If the job is over first, resolves to the last failure. */
  async #persist(attempt: () => Promise<void>, life: AbortSignal): Promise<string | undefined> {
    const { clock, logger } = this.#modules;
    let waitMs = this.#options.retryMs ?? RETRY_MS;
    for (;;) {
      try {
        await attempt();
        return undefined;
      } catch (thrown) {
        const failure = coerceError(thrown).message;
        logger.warn("factomd did not take an entry; trying again while the job lives", { failure });
        await sleep(clock, waitMs, life);
        if (life.aborted) return failure;
        waitMs = Math.min(waitMs * 1.5, RETRY_MAX_MS);
      }
    }
  }

  #abandon(row: SubmissionRow, reason: string): Promise<void> {
    this.#counts.abandoned++;
    return this.#record({ ...row, state: "abandoned", reason });
  }

  /** The record is for people and for a restart. If it cannot be written, the submission still goes on. */
  async #record(row: SubmissionRow): Promise<void> {
    await recordSubmission(this.#modules.db, row).catch((error: unknown) =>
      this.#modules.logger.warn("a submission could not be recorded; it goes on", {
        entryHash: row.entryHash,
        error: coerceError(error).message,
      }),
    );
  }
}

function oprEntry(job: JobRow, nonce: Uint8Array, difficulty: bigint): Entry {
  return {
    chainId: OPR_CHAIN,
    extIds: [nonce, u64ToBytes(difficulty), Uint8Array.of(job.version)],
    content: job.opr,
  };
}

function submissionRow(job: JobRow, share: SubmittableShare, hash: string, slot: number): SubmissionRow {
  return {
    entryHash: hash,
    height: job.height,
    oprHash: job.oprHash,
    nonce: share.nonce,
    target: share.difficulty,
    user: share.user,
    worker: share.worker,
    edge: slot,
    state: "pending",
    reason: null,
  };
}
