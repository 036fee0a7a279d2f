/** What became of a miner's shares, at all its pools. */

import { assignedWork } from "../../shared/difficulty/work.ts";
import type { ShareStats, Verdict } from "./miner-stats.ts";
import type { Hit } from "./search-threads.ts";

/** So many of the newest verdicts, and of the best shares, are remembered. */
const REMEMBERED = 10;

export interface ShareCounts {
  /** Sent at least once. */
  submitted: number;
  accepted: number;
  readonly rejected: Record<string, number>;
  /** Found, but still without a verdict when their late time was over, the queue was full, their pool was left or the miner ended. */
  lost: number;
}

export class ShareRecord {
  readonly counts: ShareCounts = { submitted: 0, accepted: 0, rejected: {}, lost: 0 };
  readonly #verdicts: Verdict[] = [];
  readonly #best: bigint[] = [];
  #acceptedHashes = 0n;

  stats(): ShareStats {
    return {
      ...this.counts,
      rejected: { ...this.counts.rejected },
      answerMs: this.#verdicts.at(-1)?.ms,
      verdicts: [...this.#verdicts],
      best: [...this.#best],
      acceptedHashes: this.#acceptedHashes,
    };
  }

  accepted(hit: Hit, ms: number): void {
    this.counts.accepted += 1;
    this.#acceptedHashes += assignedWork(hit.work.target);
    const place = this.#best.findIndex((difficulty) => difficulty < hit.difficulty);
    this.#best.splice(place < 0 ? this.#best.length : place, 0, hit.difficulty);
    this.#best.splice(REMEMBERED);
    this.#note(hit, "accepted", ms);
  }

  refused(hit: Hit, name: string, ms: number): void {
    this.counts.rejected[name] = (this.counts.rejected[name] ?? 0) + 1;
    this.#note(hit, name, ms);
  }

  #note({ work, difficulty }: Hit, answer: string, ms: number): void {
    this.#verdicts.push({ height: work.job.height, difficulty, answer, ms });
    if (this.#verdicts.length > REMEMBERED) this.#verdicts.shift();
  }
}
