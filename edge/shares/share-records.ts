/**
 * Writes shares to the journal. Tells whether a share can be kept now; when it is durable, it is credited and offered to the chain (docs/design.md,
 * "The path of a share").
 */

import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { AppendOutcome, Journal, RecordHooks, RecordPlace } from "../journal/journal.ts";
import { encodeRecord, MOST_WAIT_MS, type ShareRecord } from "../journal/records.ts";
import { type AcceptedShare, acceptedShare } from "./accepted-share.ts";
import type { OpenJob } from "./open-jobs.ts";
import type { Candidate } from "./screen.ts";
import type { Tallies } from "./tallies.ts";
import { CUT_WINDOW_ROWS } from "./window.ts";

export interface ShareRecordsModules {
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The slot is this edge's. */
  readonly leaseHeld: () => boolean;
  readonly onAccepted: (share: AcceptedShare) => void;
  /** Something can be cut or closed now rather than at the next period. */
  readonly kick: () => void;
}

/** Who is told how a record ended. */
export interface RecordWaiter {
  kept(outcome: AppendOutcome["kind"]): void;
}

export class ShareRecords {
  readonly #modules: ShareRecordsModules;

  constructor(modules: ShareRecordsModules) {
    this.#modules = modules;
  }

  /** Asked before hashing, to save the work, and after it. */
  canKeep({ job, holder }: Candidate): boolean {
    const { journal, tallies, leaseHeld } = this.#modules;
    if (!leaseHeld() || !journal.canAppend()) return false;
    if (!tallies.covers(job)) return false;
    return tallies.open(job).window.hasRoomFor(holder);
  }

  /** Tells how it ended. `full`: it is not kept. `failed`: nobody knows whether a restart finds it. */
  keep(candidate: Candidate, reached: bigint, waiter: RecordWaiter): void {
    const { clock, journal } = this.#modules;
    const { job, holder, nonce, target, late, readAtMs } = candidate;
    const share: ShareRecord = {
      job: job.height,
      user: holder.user,
      worker: holder.worker,
      nonce: nonce.bytes,
      assigned: target,
      reached,
      atMs: clock.wallMs(),
      waitedMs: Math.min(MOST_WAIT_MS, Math.max(0, Math.round(clock.monotonicMs() - readAtMs))),
      late,
    };
    const hooks = new Keeping(this.#modules, job, share, waiter);
    journal.put(encodeRecord({ kind: "share", share }), hooks);
  }
}

/** A share on its way into the journal. */
class Keeping implements RecordHooks {
  readonly #modules: ShareRecordsModules;
  readonly #job: OpenJob;
  readonly #share: ShareRecord;
  readonly #waiter: RecordWaiter;

  constructor(modules: ShareRecordsModules, job: OpenJob, share: ShareRecord, waiter: RecordWaiter) {
    this.#modules = modules;
    this.#job = job;
    this.#share = share;
    this.#waiter = waiter;
  }

  onDurable(place: RecordPlace): void {
    this.#job.seen.credit(this.#share.nonce);
    const { window } = this.#modules.tallies.credit(this.#job, this.#share, place);
    if (window.size() >= CUT_WINDOW_ROWS) this.#modules.kick();
  }

  onEnd({ kind }: AppendOutcome): void {
    if (kind === "durable") this.#offer();
    this.#waiter.kept(kind);
  }

  #offer(): void {
    try {
      this.#modules.onAccepted(acceptedShare(this.#share, { late: this.#share.late, recovered: false }));
    } catch (thrown) {
      this.#modules.logger.error("the submitter failed on a share, which is credited all the same", {
        error: coerceError(thrown).message,
      });
    }
  }
}
