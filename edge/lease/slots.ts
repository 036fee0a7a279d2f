/**
 * This edge's slot. It is leased from the database and renewed every few seconds; the monotonic clock tells whether it is still held (docs/design.md,
 * "Slots, leases and epochs").
 */

import { type Clock, sleep, type Timer } from "../../shared/clock.ts";
import type { EdgeRecords, SlotGrant } from "../../shared/db/edges.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

export interface SlotLeaseOptions {
  readonly edgeId: string;
  readonly blockMs: number;
}

export interface SlotLeaseModules {
  readonly records: EdgeRecords;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Puts a new epoch on record before anything is acknowledged in it. */
  readonly begin: (grant: SlotGrant) => Promise<void>;
  /** The slot is another's for good: this process must end. */
  readonly onFenced: (error: CodedError) => void;
}

const RETRY_MS = 1_000;
const RENEW_MS = 5_000;

/** Two block periods, so that a database outage within a job stops nobody; at least 30 s. */
export function slotLeaseMs(blockMs: number): number {
  return Math.max(2 * blockMs, 30_000);
}

/**
 * How long shares of a job are taken after its miners were told to stop: a twentieth of a block, 1 to 5 s. Enough for a share on its way, and
 * too little to gain by going on (docs/design.md, "What is told and what is paid end together").
 */
export function lateMsOf(blockMs: number): number {
  return Math.min(5_000, Math.max(1_000, blockMs / 20));
}

export class SlotLease {
  readonly #options: SlotLeaseOptions;
  readonly #modules: SlotLeaseModules;
  readonly #leaseMs: number;
  #grant: SlotGrant | undefined;
  #untilMs = Number.NEGATIVE_INFINITY;
  /** The present grant is on record. */
  #begun = false;
  #state: "idle" | "kept" | "fenced" | "released" = "idle";
  #timer: Timer | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: SlotLeaseOptions, modules: SlotLeaseModules) {
    this.#options = options;
    this.#modules = modules;
    this.#leaseMs = slotLeaseMs(options.blockMs);
  }

  /** Takes a slot and keeps it; waits while the database is away. Rejects with `slot-wait-aborted` when `signal` aborts. */
  async acquire(signal: AbortSignal): Promise<SlotGrant> {
    for (;;) {
      if (signal.aborted)
        throw new CodedError("slot-wait-aborted", "stopped while waiting for a slot from the database");
      try {
        const grant = await this.#take();
        if (grant !== undefined) {
          this.#state = "kept";
          this.#renewLater();
          return grant;
        }
        this.#modules.logger.error("all 4096 edge slots are in use; waiting for one whose lease expires");
      } catch (thrown) {
        const error = coerceError(thrown);
        if (!(error instanceof CodedError) || error.code !== "db-away") throw error;
        this.#modules.logger.warn("waiting for the database to lease a slot", { error: error.message });
      }
      await sleep(this.#modules.clock, RETRY_MS, signal);
    }
  }

  /** True while no other edge can have the slot. Asked before each group of shares is acknowledged. */
  held(): boolean {
    return this.#state === "kept" && this.#modules.clock.monotonicMs() < this.#untilMs;
  }

  grant(): SlotGrant | undefined {
    return this.#grant;
  }

  /** Reserves the slot until `job` is over. Resolves to the lowest job for which this epoch owes a close marker. */
  cover(job: number): Promise<number> {
    if (this.#grant === undefined)
      return Promise.reject(new CodedError("lease-lost", `no slot is held yet: job ${job} cannot be opened`));
    return this.#modules.records.coverJob(this.#options.edgeId, this.#grant, job);
  }

  /** Stops renewing and ends the epoch, as far as the database can be reached. */
  async release(): Promise<void> {
    const kept = this.#state === "kept";
    if (this.#state !== "fenced") this.#state = "released";
    this.#timer?.stop();
    await this.#renewing;
    if (!kept || this.#grant === undefined) return;
    try {
      await this.#modules.records.endEpoch(this.#options.edgeId, this.#grant);
    } catch (thrown) {
      this.#modules.logger.warn("the slot's epoch could not be ended; the next start ends it", {
        error: coerceError(thrown).message,
      });
    }
  }

  async #take(): Promise<SlotGrant | undefined> {
    const { records, clock } = this.#modules;
    // Read before the request: the database starts to count later than this.
    const askedMs = clock.monotonicMs();
    const grant = await records.acquireSlot({
      edgeId: this.#options.edgeId,
      leaseMs: this.#leaseMs,
      lateMs: lateMsOf(this.#options.blockMs),
    });
    if (grant === undefined) return undefined;
    this.#grant = grant;
    this.#begun = false;
    await this.#runUntil(askedMs + this.#leaseMs, grant);
    return grant;
  }

  async #runUntil(untilMs: number, grant: SlotGrant): Promise<void> {
    if (!this.#begun) await this.#modules.begin(grant);
    this.#begun = true;
    this.#untilMs = untilMs;
  }

  #renewLater(): void {
    this.#timer = this.#modules.clock.after(Math.min(RENEW_MS, this.#leaseMs / 6), () => {
      this.#renewing = this.#renew().then(() => {
        if (this.#state === "kept") this.#renewLater();
      });
    });
  }

  async #renew(): Promise<void> {
    const { records, clock, logger } = this.#modules;
    const grant = this.#grant;
    if (grant === undefined) return;
    try {
      const askedMs = clock.monotonicMs();
      const outcome = await records.renewSlot(this.#options.edgeId, grant, this.#leaseMs);
      if (outcome === "renewed") await this.#runUntil(askedMs + this.#leaseMs, grant);
      else if (outcome === "ended") await this.#takeAgain(grant);
      else this.#fence(grant);
    } catch (thrown) {
      logger.warn("the slot lease was not renewed; trying again", {
        error: coerceError(thrown).message,
        leftMs: Math.round(this.#untilMs - clock.monotonicMs()),
      });
    }
  }

  /** This edge was away for too long and its epoch was ended, but its slot is still reserved: the edge goes on in the next epoch. */
  async #takeAgain(lost: SlotGrant): Promise<void> {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    const grant = await this.#take();
    if (grant === undefined || grant.slot !== lost.slot) {
      // The prefixes of its sessions are in a slot that another edge has now.
      this.#fence(lost);
      return;
    }
    this.#modules.logger.warn("the slot's epoch had been ended; going on in the next", { ...grant });
  }

  #fence(grant: SlotGrant): void {
    this.#state = "fenced";
    this.#untilMs = Number.NEGATIVE_INFINITY;
    const error = new CodedError(
      "edge-fenced",
      `slot ${grant.slot} was given to another edge after epoch ${grant.epoch}: this one acknowledges nothing more and must be ` +
        "restarted. If it was not stopped for long, another process runs with a copy of its data folder: give that one a folder of its own",
    );
    this.#modules.logger.error("this edge lost its slot", { error: error.message });
    this.#modules.onFenced(error);
  }
}
