/** A named lease such as `chain`: it lets one edge at a time do a job, and its epoch guards the writes. */

import type { Clock } from "../../shared/clock.ts";
import { acquireLease, releaseLease, renewLease } from "../../shared/db/edges.ts";
import type { Db } from "../../shared/db/port.ts";

export interface NamedLeaseOptions {
  readonly name: string;
  /** The edge's identity. An edge takes its own lease back at once. */
  readonly holder: string;
  readonly leaseMs: number;
}

export interface NamedLease {
  /**
   * Resolves to the epoch while this holder has the lease, to undefined while another one has it. Takes the lease if it is free, and renews it
   * when a third of it has passed. Rejects when the database is away and the lease has run out.
   */
  hold(): Promise<bigint | undefined>;
  /** True while nobody else can have the lease. It uses the monotonic clock, so that a process that was suspended finds the lease lost. */
  held(): boolean;
  /** The epoch last held; undefined before the first. */
  epoch(): bigint | undefined;
  /** Lets another take it at once. */
  release(): Promise<void>;
}

/** The chain lease lasts min(10 s, half a block). */
export function chainLeaseMs(blockMs: number): number {
  return Math.min(10_000, blockMs / 2);
}

export function createNamedLease(
  options: NamedLeaseOptions,
  modules: { readonly db: Db; readonly clock: Clock },
): NamedLease {
  const { db, clock } = modules;
  let epoch: bigint | undefined;
  let untilMs = Number.NEGATIVE_INFINITY;
  const held = (): boolean => clock.monotonicMs() < untilMs;

  const renewOrTake = async (): Promise<bigint | undefined> => {
    // Read before the request: the database starts to count later than this.
    const askedMs = clock.monotonicMs();
    if (epoch !== undefined && (await renewLease(db, options, epoch))) {
      untilMs = askedMs + options.leaseMs;
      return epoch;
    }
    untilMs = Number.NEGATIVE_INFINITY;
    const next = await acquireLease(db, options);
    if (next === undefined) return undefined;
    epoch = next;
    untilMs = askedMs + options.leaseMs;
    return epoch;
  };

  return {
    held,
    epoch: () => epoch,
    async hold() {
      if (untilMs - clock.monotonicMs() > (options.leaseMs * 2) / 3) return epoch;
      try {
        return await renewOrTake();
      } catch (error) {
        if (held()) return epoch;
        throw error;
      }
    },
    async release() {
      untilMs = Number.NEGATIVE_INFINITY;
      if (epoch !== undefined) await releaseLease(db, options.name, options.holder, epoch);
    },
  };
}
