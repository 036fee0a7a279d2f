/** Shares on their way to the pool: kept over a lost connection while their job lives, each sent until it has a verdict. */

import type { Clock } from "../../shared/clock.ts";
import { formatTarget, STRATUM_ERRORS } from "../../shared/messages/stratum.ts";
import type { Hit } from "./crew.ts";
import type { PoolAnswer } from "./pool-connection.ts";
import { rejectionName } from "./stats.ts";

/** Shares kept; beyond, the oldest is lost. */
const MAX_QUEUED = 1_000;
/** Sent without an answer at a time. */
const MAX_IN_FLIGHT = 64;
const BUSY_WAIT_MS = 1_000;

export interface OutboxCounts {
  submitted: number;
  accepted: number;
  readonly rejected: Record<string, number>;
  lost: number;
}

interface Parcel {
  readonly hit: Hit;
  /** Sent before on a connection that ended without a verdict: the pool may have counted it. */
  resent: boolean;
}

export type SendShare = (params: readonly string[]) => Promise<PoolAnswer | undefined>;

export class Outbox {
  readonly counts: OutboxCounts = { submitted: 0, accepted: 0, rejected: {}, lost: 0 };
  readonly #user: string;
  readonly #clock: Clock;
  #queue: Parcel[] = [];
  #inFlight = 0;
  #send: SendShare | undefined;
  #height: number | undefined;

  constructor(user: string, clock: Clock) {
    this.#user = user;
    this.#clock = clock;
  }

  /** Where shares can be sent now; undefined while there is no session. */
  connect(send: SendShare | undefined): void {
    this.#send = send;
    this.#flush();
  }

  /** Shares of jobs before the last one are given up. */
  jobIs(height: number): void {
    this.#height = height;
    const alive = this.#queue.filter((parcel) => parcel.hit.work.height >= height - 1);
    this.counts.lost += this.#queue.length - alive.length;
    this.#queue = alive;
  }

  /** Shares that were sent and have no verdict yet. */
  inFlight(): number {
    return this.#inFlight;
  }

  add(hit: Hit): void {
    this.#enqueue({ hit, resent: false });
    this.#flush();
  }

  #enqueue(parcel: Parcel): void {
    if (this.#height !== undefined && parcel.hit.work.height < this.#height - 1) this.counts.lost += 1;
    else this.#queue.push(parcel);
    if (this.#queue.length > MAX_QUEUED) {
      this.#queue.shift();
      this.counts.lost += 1;
    }
  }

  #flush(): void {
    while (this.#send !== undefined && this.#inFlight < MAX_IN_FLIGHT) {
      const parcel = this.#queue.shift();
      if (parcel === undefined) return;
      this.#inFlight += 1;
      void this.#deliver(parcel, this.#send);
    }
  }

  async #deliver(parcel: Parcel, send: SendShare): Promise<void> {
    const { work, nonce, difficulty } = parcel.hit;
    if (!parcel.resent) this.counts.submitted += 1;
    const answer = await send([
      this.#user,
      String(work.height),
      nonce,
      work.oprHash,
      formatTarget(difficulty),
    ]);
    this.#inFlight -= 1;
    if (answer === undefined) this.#enqueue({ ...parcel, resent: true });
    else this.#settle(parcel, answer);
    this.#flush();
  }

  #settle(parcel: Parcel, { result, error }: PoolAnswer): void {
    const counted = parcel.resent && error?.code === STRATUM_ERRORS.ErrorDuplicateShare;
    if (result === true || counted) this.counts.accepted += 1;
    else if (error?.code === STRATUM_ERRORS.ErrorBusy)
      this.#clock.after(BUSY_WAIT_MS, () => {
        this.#enqueue({ ...parcel, resent: true });
        this.#flush();
      });
    else {
      const name = rejectionName(error);
      this.counts.rejected[name] = (this.counts.rejected[name] ?? 0) + 1;
    }
  }
}
