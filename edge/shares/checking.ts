/** A screened share that is hashed and put on record. */

import { concat } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { AppendOutcome } from "../journal/journal.ts";
import type { ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { endsAtMs } from "./open-jobs.ts";
import { type Candidate, hex, refused, type ShareRefusal } from "./screen.ts";
import type { Hashing, ShareHashing } from "./share-hashing.ts";
import type { RecordWaiter, ShareRecords } from "./share-records.ts";
import type { VerdictCounts } from "./verdict-counts.ts";

export interface CheckingParts {
  readonly hashing: ShareHashing;
  readonly records: ShareRecords;
  readonly counts: VerdictCounts;
  readonly hasher: Hasher;
  readonly clock: Clock;
  /** The slot is this edge's. */
  readonly leaseHeld: () => boolean;
  /** A job may be closed now rather than at the next period. */
  readonly kick: () => void;
}

interface Verdict {
  readonly resolve: (verdict: ShareVerdict) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The share's nonce may be used again only if it is certainly not on record. One object with a method for each step: a closure or a promise for each would be
 * most of what a share allocates.
 */
export class Checking implements Hashing, RecordWaiter {
  readonly input: Uint8Array;
  readonly #parts: CheckingParts;
  readonly #share: SubmittedShare;
  readonly #candidate: Candidate;
  readonly #verdict: Verdict;

  constructor(parts: CheckingParts, share: SubmittedShare, candidate: Candidate, verdict: Verdict) {
    this.input = concat(candidate.job.oprHashBytes, candidate.nonce.bytes);
    this.#parts = parts;
    this.#share = share;
    this.#candidate = candidate;
    this.#verdict = verdict;
  }

  begin(): void {
    this.#candidate.job.inFlight += 1;
    try {
      const { hasher, hashing, records } = this.#parts;
      if (hasher.canAcceptWork() && records.canKeep(this.#candidate)) hashing.hash(this);
      else this.#refuse(this.#busy());
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  hashed(reached: bigint | undefined): void {
    try {
      const refusal = this.#refusalOf(reached);
      if (refusal !== undefined) this.#refuse(refusal);
      else this.#parts.records.keep(this.#candidate, this.#candidate.claimed, this);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  kept(outcome: AppendOutcome["kind"]): void {
    // After a failed write nobody knows whether a restart finds it: its nonce stays taken.
    this.#over(outcome !== "full");
    if (outcome !== "durable") this.#tell(this.#busy());
    // If another edge has this slot now it is credited, but we promise nothing.
    else if (!this.#parts.leaseHeld()) this.#tell({ kind: "unavailable" });
    else this.#tell({ kind: "accepted", target: this.#candidate.target });
  }

  #refusalOf(reached: bigint | undefined): ShareRefusal | undefined {
    const { claimed } = this.#candidate;
    if (reached === undefined) return this.#busy();
    if (reached !== claimed)
      return refused("wrong-hash", `the share reaches ${hex(reached)}, not the ${hex(claimed)} it claims`);
    return this.#parts.records.canKeep(this.#candidate) ? undefined : this.#busy();
  }

  #busy(): ShareRefusal {
    const words = "the pool is busy; this share was not counted, its nonce stays unused";
    return refused("busy", words, this.#candidate.target);
  }

  #refuse(refusal: ShareRefusal): void {
    this.#over(false);
    this.#tell(refusal);
  }

  #fail(thrown: unknown): void {
    this.#over(false);
    this.#verdict.reject(coerceError(thrown));
  }

  #tell(verdict: ShareVerdict): void {
    this.#parts.counts.count(this.#share, verdict);
    this.#verdict.resolve(verdict);
  }

  #over(isSpent: boolean): void {
    const { job, nonce } = this.#candidate;
    const { clock, kick } = this.#parts;
    if (!isSpent) job.seen.release(nonce.bytes);
    job.inFlight -= 1;
    if (job.inFlight === 0 && endsAtMs(job) < clock.monotonicMs()) kick();
  }
}
