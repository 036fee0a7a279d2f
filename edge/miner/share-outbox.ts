/**
 * Shares on their way to the pool. They are kept when the connection is lost, as long as the pool may take them. Each is sent until it has a verdict.
 */

import type { Clock, Timer } from "../../shared/clock.ts";
import { assignedWork } from "../../shared/difficulty/work.ts";
import { formatTarget, STRATUM_ERRORS } from "../../shared/messages/stratum.ts";
import { rejectionName, type ShareStats, type Verdict } from "./miner-stats.ts";
import type { PoolAnswer } from "./pool-connection.ts";
import type { Hit } from "./search-threads.ts";

/** The most shares that are kept; when there are more, the oldest is lost. */
const MAX_QUEUED = 1_000;
/** The most shares that are sent and not answered at a time. */
const MAX_IN_FLIGHT = 64;
/** When the pool is busy, nothing is sent for this long. It is less than the shortest late time. */
const BUSY_WAIT_MS = 500;
/** So many of the newest verdicts, and of the best shares, are remembered. */
const REMEMBERED = 10;

export interface ShareCounts {
  /** Sent at least once. */
  submitted: number;
  accepted: number;
  readonly rejected: Record<string, number>;
  /** Found, but still without a verdict when their late time was over, the queue was full or the miner ended. */
  lost: number;
}

interface QueuedShare {
  readonly hit: Hit;
  /** It was sent before, on a connection that ended without a verdict or to a busy pool: the pool may have counted it. */
  readonly resent: boolean;
}

export type SendShare = (params: readonly string[]) => Promise<PoolAnswer | undefined>;

export class ShareOutbox {
  readonly counts: ShareCounts = { submitted: 0, accepted: 0, rejected: {}, lost: 0 };
  readonly #verdicts: Verdict[] = [];
  readonly #best: bigint[] = [];
  readonly #user: string;
  readonly #clock: Clock;
  #acceptedHashes = 0n;
  /** In the order found. Those that were sent before are first, because their late time ends first. */
  readonly #queue: QueuedShare[] = [];
  #inFlight = 0;
  #send: SendShare | undefined;
  #pause: Timer | undefined;

  constructor(user: string, clock: Clock) {
    this.#user = user;
    this.#clock = clock;
  }

  /** Where shares can be sent now; undefined while there is no session. */
  connect(send: SendShare | undefined): void {
    this.#send = send;
    this.#resume();
  }

  /** Shares that have no verdict yet. */
  open(): number {
    return this.#inFlight + this.#queue.length;
  }

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

  add(hit: Hit): void {
    this.#queue.push({ hit, resent: false });
    this.#shorten();
    this.#flush();
  }

  /** Nothing more is sent: shares without a verdict are lost. */
  close(): void {
    this.connect(undefined);
    this.counts.lost += this.open();
    this.#queue.length = 0;
  }

  #shorten(): void {
    if (this.#queue.length <= MAX_QUEUED) return;
    this.#queue.shift();
    this.counts.lost += 1;
  }

  #flush(): void {
    while (this.#send !== undefined && this.#pause === undefined && this.#inFlight < MAX_IN_FLIGHT) {
      const queued = this.#queue.shift();
      if (queued === undefined) return;
      if (queued.hit.work.job.isTaken(this.#clock.monotonicMs())) void this.#deliver(queued, this.#send);
      else this.counts.lost += 1;
    }
  }

  async #deliver(queued: QueuedShare, send: SendShare): Promise<void> {
    const { work, nonce, difficulty } = queued.hit;
    const { height, oprHash } = work.job;
    if (!queued.resent) this.counts.submitted += 1;
    this.#inFlight += 1;
    const sentMs = this.#clock.monotonicMs();
    const answer = await send([this.#user, String(height), nonce, oprHash, formatTarget(difficulty)]);
    this.#inFlight -= 1;
    if (answer === undefined) this.#keep(queued);
    else this.#settle(queued, answer, this.#clock.monotonicMs() - sentMs);
    this.#flush();
  }

  #keep(queued: QueuedShare): void {
    this.#queue.unshift({ ...queued, resent: true });
    this.#shorten();
  }

  #settle(queued: QueuedShare, { result, error }: PoolAnswer, ms: number): void {
    const counted = queued.resent && error?.code === STRATUM_ERRORS.ErrorDuplicateShare;
    if (result === true || counted) this.#accepted(queued.hit, ms);
    else if (error?.code === STRATUM_ERRORS.ErrorBusy) {
      this.#keep(queued);
      this.#pause ??= this.#clock.after(BUSY_WAIT_MS, () => this.#resume());
    } else {
      const name = rejectionName(error);
      this.counts.rejected[name] = (this.counts.rejected[name] ?? 0) + 1;
      this.#note(queued.hit, name, ms);
    }
  }

  #accepted(hit: Hit, ms: number): void {
    this.counts.accepted += 1;
    this.#acceptedHashes += assignedWork(hit.work.target);
    const place = this.#best.findIndex((difficulty) => difficulty < hit.difficulty);
    this.#best.splice(place < 0 ? this.#best.length : place, 0, hit.difficulty);
    this.#best.splice(REMEMBERED);
    this.#note(hit, "accepted", ms);
  }

  #note({ work, difficulty }: Hit, answer: string, ms: number): void {
    this.#verdicts.push({ height: work.job.height, difficulty, answer, ms });
    if (this.#verdicts.length > REMEMBERED) this.#verdicts.shift();
  }

  #resume(): void {
    this.#pause?.stop();
    this.#pause = undefined;
    this.#flush();
  }
}
