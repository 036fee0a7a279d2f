/**
 * Writes shares to the journal. Tells whether a share can be kept now; when it is durable, it is credited and offered to the chain (docs/design.md,
 * "The path of a share").
 */

import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { AppendOutcome, Journal } from "../journal/journal.ts";
import { encodeRecord, MOST_WAIT_MS, type ShareRecord } from "../journal/records.ts";
import { type AcceptedShare, acceptedShare } from "./accepted-share.ts";
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
  keep(candidate: Candidate, reached: bigint, onEnd: (outcome: AppendOutcome["kind"]) => void): void {
    const { journal, tallies, clock } = this.#modules;
    const { job, holder, nonce, target, late, readAtMs } = candidate;
    const record: ShareRecord = {
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
    journal.put(encodeRecord({ kind: "share", share: record }), {
      onDurable: (place) => {
        job.seen.credit(nonce.bytes);
        const { window } = tallies.credit(job, record, place);
        if (window.size() >= CUT_WINDOW_ROWS) this.#modules.kick();
      },
      onEnd: ({ kind }) => {
        if (kind === "durable") this.#offer(record);
        onEnd(kind);
      },
    });
  }

  #offer(share: ShareRecord): void {
    try {
      this.#modules.onAccepted(acceptedShare(share, { late: share.late, recovered: false }));
    } catch (thrown) {
      this.#modules.logger.error("the submitter failed on a share, which is credited all the same", {
        error: coerceError(thrown).message,
      });
    }
  }
}
