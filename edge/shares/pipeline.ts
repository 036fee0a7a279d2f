/** The checks of a share, cheap ones first, and the moment it becomes durable (docs/design.md, "The path of a share"). */

import { bytesToU64, concat } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Journal } from "../journal/journal.ts";
import { encodeRecord, type ShareRecord } from "../journal/records.ts";
import type { RefusalCode, ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { endsAtMs } from "./open-jobs.ts";
import { type Candidate, hex, type Refusal, refused, type ScreenModules, screen } from "./screen.ts";
import type { Tallies } from "./tallies.ts";
import { CUT_WINDOW_ROWS } from "./window.ts";

/** A durable share, for the submitter. */
export interface AcceptedShare {
  readonly height: number;
  readonly user: string;
  readonly worker: string;
  readonly nonce: Uint8Array;
  /** What it really reached. */
  readonly difficulty: bigint;
  readonly assigned: bigint;
  /** Its job was over when its line was read: credited, never submitted. */
  readonly late: boolean;
  /** Found in the journal after a restart: it may have been submitted already. */
  readonly recovered: boolean;
}

/** Verdicts since the start. */
export interface PipelineStats {
  readonly accepted: number;
  /** Credited, but the connection was closed without an answer. */
  readonly unanswered: number;
  readonly refused: Readonly<Record<string, number>>;
}

export interface PipelineModules extends ScreenModules {
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The slot is this edge's: asked before a share is journaled, and again before it is acknowledged. */
  readonly leaseHeld: () => boolean;
  readonly onAccepted: (share: AcceptedShare) => void;
  /** Something can be cut or closed now rather than at the next period. */
  readonly kick: () => void;
}

export class Pipeline {
  readonly #modules: PipelineModules;
  #accepted = 0;
  #unanswered = 0;
  readonly #refusals = new Map<RefusalCode, number>();

  constructor(modules: PipelineModules) {
    this.#modules = modules;
  }

  /** The verdict on one share. `accepted` means that it is on disk and will be credited once. */
  async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const candidate = screen(share, this.#modules);
    const verdict = "kind" in candidate ? candidate : await this.#check(candidate);
    this.#count(share, verdict);
    return verdict;
  }

  stats(): PipelineStats {
    return {
      accepted: this.#accepted,
      unanswered: this.#unanswered,
      refused: Object.fromEntries(this.#refusals),
    };
  }

  async #check(candidate: Candidate): Promise<ShareVerdict> {
    const { job, nonce, claimed, target } = candidate;
    job.inFlight += 1;
    let spent = false;
    try {
      if (!this.#modules.hasher.canAcceptWork() || !this.#canKeep(candidate)) return busy(target);
      const reached = await this.#hash(candidate);
      if (reached === undefined) return busy(target);
      if (reached !== claimed)
        return refused("wrong-hash", `the share reaches ${hex(reached)}, not the ${hex(claimed)} it claims`);
      if (!this.#canKeep(candidate)) return busy(target);
      const outcome = await this.#journal(candidate, reached);
      // After a failed write nobody knows whether a restart finds it: its nonce stays taken.
      spent = outcome !== "full";
      if (outcome !== "durable") return busy(target);
      // Credited, but another edge might have this slot: no promise is made.
      if (!this.#modules.leaseHeld()) return { kind: "unavailable" };
      return { kind: "accepted", target };
    } finally {
      if (!spent) job.seen.release(nonce.bytes);
      job.inFlight -= 1;
      if (job.inFlight === 0 && endsAtMs(job) < this.#modules.clock.monotonicMs()) this.#modules.kick();
    }
  }

  /** Asked before hashing, to save the work, and after it. */
  #canKeep({ job, holder }: Candidate): boolean {
    const { journal, tallies, leaseHeld } = this.#modules;
    if (!leaseHeld() || !journal.canAppend()) return false;
    if (!tallies.covers(job)) return false;
    return tallies.open(job).window.hasRoomFor(holder);
  }

  /** The difficulty the share really reached; undefined when it cannot be worked out now. */
  async #hash({ job, nonce }: Candidate): Promise<bigint | undefined> {
    try {
      const [hash] = await this.#modules.hasher.hash([concat(job.oprHashBytes, nonce.bytes)]);
      return hash === undefined ? undefined : bytesToU64(hash);
    } catch (thrown) {
      this.#modules.logger.warn("a share could not be hashed", { error: coerceError(thrown).message });
      return undefined;
    }
  }

  async #journal(candidate: Candidate, reached: bigint): Promise<"durable" | "full" | "failed"> {
    const { journal, tallies, clock } = this.#modules;
    const { job, holder, nonce, target, late } = candidate;
    const record: ShareRecord = {
      job: job.height,
      user: holder.user,
      worker: holder.worker,
      nonce: nonce.bytes,
      assigned: target,
      reached,
      atMs: clock.wallMs(),
      late,
    };
    const { kind } = await journal.append(encodeRecord({ kind: "share", share: record }), (place) => {
      job.seen.credit(nonce.bytes);
      const { window } = tallies.credit(job, record, place);
      if (window.size() >= CUT_WINDOW_ROWS) this.#modules.kick();
    });
    if (kind === "durable") this.#offer(candidate, record);
    return kind;
  }

  #offer({ late }: Candidate, share: ShareRecord): void {
    try {
      this.#modules.onAccepted({ ...acceptedShare(share), late, recovered: false });
    } catch (thrown) {
      this.#modules.logger.error("the submitter failed on a share, which is credited all the same", {
        error: coerceError(thrown).message,
      });
    }
  }

  #count(share: SubmittedShare, verdict: ShareVerdict): void {
    if (verdict.kind === "accepted") this.#accepted += 1;
    if (verdict.kind === "unavailable") this.#unanswered += 1;
    if (verdict.kind !== "refused") return;
    this.#refusals.set(verdict.code, (this.#refusals.get(verdict.code) ?? 0) + 1);
    // Busy is the pool's doing, not the miner's.
    if (verdict.code === "busy") return;
    const job = this.#modules.jobs.newest();
    if (job === undefined || !this.#modules.tallies.covers(job)) return;
    this.#modules.tallies.open(job).refusals.add(share.user, share.worker);
  }
}

/** A journaled share as the submitter wants it. */
export function acceptedShare(share: ShareRecord): Omit<AcceptedShare, "late" | "recovered"> {
  return {
    height: share.job,
    user: share.user,
    worker: share.worker,
    nonce: share.nonce,
    difficulty: share.reached,
    assigned: share.assigned,
  };
}

function busy(target: bigint): Refusal {
  return refused("busy", "the pool is busy; this share was not counted, its nonce stays unused", target);
}
