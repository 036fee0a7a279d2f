/**
 * Shares on their way to their pool. They are kept when the connection is lost, as long as the pool may take them. Each is sent until it has a verdict.
 */

import type { Clock, Timer } from "../../shared/clock.ts";
import { formatTarget, STRATUM_ERRORS } from "../../shared/messages/stratum.ts";
import { rejectionName } from "./miner-stats.ts";
import type { PoolAnswer } from "./pool-connection.ts";
import type { Hit } from "./search-threads.ts";
import type { ShareRecord } from "./share-record.ts";

/** The most shares that are kept; when there are more, the oldest is lost. */
const MAX_QUEUED = 1_000;
/** The most shares that are sent and not answered at a time. */
const MAX_IN_FLIGHT = 64;
/** When the pool is busy, nothing is sent for this long. It is less than the shortest late time. */
const BUSY_WAIT_MS = 500;

interface QueuedShare {
  readonly hit: Hit;
  /** It was sent before, on a connection that ended without a verdict or to a busy pool: the pool may have counted it. */
  readonly resent: boolean;
}

export type SendShare = (params: readonly string[]) => Promise<PoolAnswer | undefined>;

export class ShareOutbox {
  readonly #user: string;
  readonly #clock: Clock;
  readonly #record: ShareRecord;
  /** In the order found. Those that were sent before are first, because their late time ends first. */
  readonly #queue: QueuedShare[] = [];
  #inFlight = 0;
  #send: SendShare | undefined;
  #pause: Timer | undefined;
  #isClosed: boolean = false;

  constructor(user: string, { clock, record }: { readonly clock: Clock; readonly record: ShareRecord }) {
    this.#user = user;
    this.#clock = clock;
    this.#record = record;
  }

  /** Where shares can be sent now; undefined while there is no session. Opens it where it was closed. */
  connect(send: SendShare | undefined): void {
    this.#send = send;
    if (send !== undefined) this.#isClosed = false;
    this.#resume();
  }

  /** Shares that have no verdict yet. */
  open(): number {
    return this.#inFlight + this.#queue.length;
  }

  add(hit: Hit): void {
    if (this.#isClosed) {
      this.#record.counts.lost += 1;
      return;
    }
    this.#queue.push({ hit, resent: false });
    this.#shorten();
    this.#flush();
  }

  /** Nothing more is sent: shares without a verdict are lost. */
  close(): void {
    this.connect(undefined);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#record.counts.lost += this.open();
    this.#queue.length = 0;
  }

  #shorten(): void {
    if (this.#queue.length <= MAX_QUEUED) return;
    this.#queue.shift();
    this.#record.counts.lost += 1;
  }

  #flush(): void {
    while (this.#send !== undefined && this.#pause === undefined && this.#inFlight < MAX_IN_FLIGHT) {
      const queued = this.#queue.shift();
      if (queued === undefined) return;
      if (queued.hit.work.job.isTaken(this.#clock.monotonicMs())) void this.#deliver(queued, this.#send);
      else this.#record.counts.lost += 1;
    }
  }

  async #deliver(queued: QueuedShare, send: SendShare): Promise<void> {
    const { work, nonce, difficulty } = queued.hit;
    const { height, oprHash } = work.job;
    if (!queued.resent) this.#record.counts.submitted += 1;
    this.#inFlight += 1;
    const sentMs = this.#clock.monotonicMs();
    const answer = await send([this.#user, String(height), nonce, oprHash, formatTarget(difficulty)]);
    this.#inFlight -= 1;
    if (answer === undefined) this.#keep(queued);
    else this.#settle(queued, answer, this.#clock.monotonicMs() - sentMs);
    this.#flush();
  }

  #keep(queued: QueuedShare): void {
    // Counted as lost already.
    if (this.#isClosed) return;
    this.#queue.unshift({ ...queued, resent: true });
    this.#shorten();
  }

  #settle(queued: QueuedShare, { result, error }: PoolAnswer, ms: number): void {
    const counted = queued.resent && error?.code === STRATUM_ERRORS.ErrorDuplicateShare;
    if (result === true || counted) this.#record.accepted(queued.hit, ms);
    else if (error?.code === STRATUM_ERRORS.ErrorBusy) {
      this.#keep(queued);
      this.#pause ??= this.#clock.after(BUSY_WAIT_MS, () => this.#resume());
    } else this.#record.refused(queued.hit, rejectionName(error), ms);
  }

  #resume(): void {
    this.#pause?.stop();
    this.#pause = undefined;
    this.#flush();
  }
}
