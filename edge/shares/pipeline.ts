/** The way of a share to its answer: it is screened, hashed, put on record and counted (docs/design.md, "The path of a share"). */

import { concat } from "../../shared/bytes.ts";
import type { ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { endsAtMs } from "./open-jobs.ts";
import { type Candidate, hex, refused, type ScreenModules, type ShareRefusal, screen } from "./screen.ts";
import { ShareHashing, type ShareHashingModules } from "./share-hashing.ts";
import { ShareRecords, type ShareRecordsModules } from "./share-records.ts";
import { VerdictCounts, type VerdictStats } from "./verdict-counts.ts";

export interface PipelineModules extends ScreenModules, ShareHashingModules, ShareRecordsModules {}

export class Pipeline {
  readonly #modules: PipelineModules;
  readonly #hashing: ShareHashing;
  readonly #records: ShareRecords;
  readonly #counts: VerdictCounts;

  constructor(modules: PipelineModules) {
    this.#modules = modules;
    this.#hashing = new ShareHashing(modules);
    this.#records = new ShareRecords(modules);
    this.#counts = new VerdictCounts(modules);
  }

  /** The verdict on one share. `accepted` means that it is on disk and will be credited once. */
  async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const candidate = screen(share, this.#modules);
    const verdict = "kind" in candidate ? candidate : await this.#check(candidate);
    this.#counts.count(share, verdict);
    return verdict;
  }

  stats(): VerdictStats {
    return this.#counts.stats();
  }

  /** Hashes the share and puts it on record. Its nonce may be used again only if it is certainly not on record. */
  async #check(candidate: Candidate): Promise<ShareVerdict> {
    const { job, nonce, claimed, target } = candidate;
    job.inFlight += 1;
    let spent = false;
    try {
      if (!this.#modules.hasher.canAcceptWork() || !this.#records.canKeep(candidate)) return busy(target);
      const reached = await this.#hashing.reached(concat(job.oprHashBytes, nonce.bytes));
      if (reached === undefined) return busy(target);
      if (reached !== claimed)
        return refused("wrong-hash", `the share reaches ${hex(reached)}, not the ${hex(claimed)} it claims`);
      if (!this.#records.canKeep(candidate)) return busy(target);
      const outcome = await this.#records.keep(candidate, reached);
      // After a failed write nobody knows whether a restart finds it: its nonce stays taken.
      spent = outcome !== "full";
      if (outcome !== "durable") return busy(target);
      // It is credited, but another edge may have this slot now: we promise nothing.
      if (!this.#modules.leaseHeld()) return { kind: "unavailable" };
      return { kind: "accepted", target };
    } finally {
      if (!spent) job.seen.release(nonce.bytes);
      job.inFlight -= 1;
      if (job.inFlight === 0 && endsAtMs(job) < this.#modules.clock.monotonicMs()) this.#modules.kick();
    }
  }
}

function busy(target: bigint): ShareRefusal {
  return refused("busy", "the pool is busy; this share was not counted, its nonce stays unused", target);
}
