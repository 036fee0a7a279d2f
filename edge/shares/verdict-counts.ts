/** Counts the answers given: all of them for the metrics, and refusals also in their worker's tally of the newest job. */

import type { RefusalCode } from "../../shared/messages/refusals.ts";
import type { ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import type { OpenJobs } from "./open-jobs.ts";
import type { Tallies } from "./tallies.ts";

/** Verdicts since the start. */
export interface VerdictStats {
  readonly accepted: number;
  /** Credited, but the connection was closed without an answer. */
  readonly unanswered: number;
  readonly refused: Readonly<Record<string, number>>;
}

export interface VerdictCountsModules {
  readonly jobs: OpenJobs;
  readonly tallies: Tallies;
  readonly onRefused?: (share: SubmittedShare, code: RefusalCode, reason: string) => void;
}

export class VerdictCounts {
  readonly #modules: VerdictCountsModules;
  #accepted = 0;
  #unanswered = 0;
  readonly #refusals = new Map<RefusalCode, number>();

  constructor(modules: VerdictCountsModules) {
    this.#modules = modules;
  }

  count(share: SubmittedShare, verdict: ShareVerdict): void {
    switch (verdict.kind) {
      case "accepted":
        this.#accepted += 1;
        return;
      case "unavailable":
        this.#unanswered += 1;
        return;
      case "refused":
        this.#refuse(share, verdict.code);
        this.#modules.onRefused?.(share, verdict.code, verdict.reason);
        return;
    }
  }

  stats(): VerdictStats {
    return {
      accepted: this.#accepted,
      unanswered: this.#unanswered,
      refused: Object.fromEntries(this.#refusals),
    };
  }

  #refuse({ user, worker }: SubmittedShare, code: RefusalCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
    // Busy is the pool's doing, not the miner's.
    if (code === "busy") return;
    const { jobs, tallies } = this.#modules;
    const job = jobs.newest();
    if (job === undefined || !tallies.covers(job)) return;
    tallies.open(job).refusals.add(user, worker);
  }
}
