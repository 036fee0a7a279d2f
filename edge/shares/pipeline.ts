/** The way of a share to its answer: it is screened, hashed, put on record and counted (docs/design.md, "The path of a share"). */

import { concat } from "../../shared/bytes.ts";
import { coerceError } from "../../shared/errors.ts";
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
  submit(share: SubmittedShare): Promise<ShareVerdict> {
    const candidate = screen(share, this.#modules);
    if ("kind" in candidate) {
      this.#counts.count(share, candidate);
      return Promise.resolve(candidate);
    }
    return new Promise((resolve, reject) => {
      this.#check(candidate, {
        resolve: (verdict) => {
          this.#counts.count(share, verdict);
          resolve(verdict);
        },
        reject,
      });
    });
  }

  stats(): VerdictStats {
    return this.#counts.stats();
  }

  /** Hashes the share and puts it on record. Its nonce may be used again only if it is certainly not on record. */
  #check(candidate: Candidate, verdict: Verdict): void {
    const { job, nonce, claimed, target } = candidate;
    const { hasher } = this.#modules;
    job.inFlight += 1;
    // By hand and not by promises: a promise for each step is a tenth of what a share costs.
    const over = (spent: boolean): void => {
      if (!spent) job.seen.release(nonce.bytes);
      job.inFlight -= 1;
      if (job.inFlight === 0 && endsAtMs(job) < this.#modules.clock.monotonicMs()) this.#modules.kick();
    };
    const step = (work: () => ShareVerdict | undefined): void => {
      try {
        const refusal = work();
        if (refusal === undefined) return;
        over(false);
        verdict.resolve(refusal);
      } catch (thrown) {
        over(false);
        verdict.reject(coerceError(thrown));
      }
    };
    const keep = (reached: bigint | undefined): ShareVerdict | undefined => {
      if (reached === undefined) return busy(target);
      if (reached !== claimed)
        return refused("wrong-hash", `the share reaches ${hex(reached)}, not the ${hex(claimed)} it claims`);
      if (!this.#records.canKeep(candidate)) return busy(target);
      this.#records.keep(candidate, reached, (outcome) => {
        // After a failed write nobody knows whether a restart finds it: its nonce stays taken.
        over(outcome !== "full");
        if (outcome !== "durable") verdict.resolve(busy(target));
        // If another edge has this slot now it is credited, but we promise nothing.
        else
          verdict.resolve(this.#modules.leaseHeld() ? { kind: "accepted", target } : { kind: "unavailable" });
      });
      return undefined;
    };
    step(() => {
      if (!hasher.canAcceptWork() || !this.#records.canKeep(candidate)) return busy(target);
      this.#hashing.reached(concat(job.oprHashBytes, nonce.bytes), (reached) => step(() => keep(reached)));
      return undefined;
    });
  }
}

interface Verdict {
  readonly resolve: (verdict: ShareVerdict) => void;
  readonly reject: (error: Error) => void;
}

function busy(target: bigint): ShareRefusal {
  return refused("busy", "the pool is busy; this share was not counted, its nonce stays unused", target);
}
