/** I12: the hits that could win and came in time are told of to the books, neither more nor less (docs/decisions/withholding.md). */

import type { AcceptedShare } from "../../../edge/shares/accepted-share.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { targetOfWork } from "../../../shared/difficulty/work.ts";
import type { Delta } from "../../../shared/messages/summary.ts";
import { difficultyOf } from "./shares.ts";
import { Violation } from "./violation.ts";

/** Of every job: above the first target, below the hardest that a miner wishes for. */
export const THRESHOLD = targetOfWork(100n);

/** One worker's in one job. */
interface Hits {
  /** Nonces above the threshold that were sent to an edge. */
  readonly submitted: Set<string>;
  /** Of the nonces that an edge took: whether they count as hits in time. One that took it and was killed at once told nobody. */
  readonly taken: Map<string, boolean>;
  /** In the deltas so far. */
  told: number;
}

export class HitLedger {
  readonly #workers = new Map<string, Hits>();

  submitted({
    job,
    user,
    worker,
    nonce,
  }: {
    job: number;
    user: string;
    worker: string;
    nonce: string;
  }): void {
    if (difficultyOf(fromHex(nonce)) > THRESHOLD) this.#of(job, user, worker).submitted.add(nonce);
  }

  /** It is durable at an edge. */
  taken({ height, user, worker, nonce, assigned, difficulty, late }: AcceptedShare): void {
    const { taken } = this.#of(height, user, worker);
    const isHit = assigned < THRESHOLD && difficulty > THRESHOLD && !late;
    if (!taken.has(toHex(nonce))) taken.set(toHex(nonce), isHit);
  }

  /** Throws Violation where the delta of this name tells of more than there can be. */
  told(job: number, { user, worker, sent = 0 }: Delta["rows"][number], key: string): void {
    const hits = this.#of(job, user, worker);
    hits.told += sent;
    const most = [...hits.submitted].filter((nonce) => hits.taken.get(nonce) !== false).length;
    if (hits.told > most)
      throw new Violation(
        `I12: with delta ${key} ${user}/${worker} has ${hits.told} hits in time of ${most}`,
      );
  }

  /** When all is drained. Throws Violation where hits were not told of. */
  finish(): void {
    for (const [key, { taken, told }] of this.#workers) {
      const inTime = [...taken.values()].filter((isHit) => isHit).length;
      if (told < inTime) throw new Violation(`I12: ${key}: ${told} hits in time were told of, not ${inTime}`);
    }
  }

  #of(job: number, user: string, worker: string): Hits {
    const key = `${job} ${user} ${worker}`;
    const known = this.#workers.get(key);
    if (known !== undefined) return known;
    const hits: Hits = { submitted: new Set(), taken: new Map(), told: 0 };
    this.#workers.set(key, hits);
    return hits;
  }
}
