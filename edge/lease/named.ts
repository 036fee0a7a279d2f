/** A named lease such as `chain`: one edge at a time does a job, and its epoch guards what it writes. */

import type { Clock } from "../../shared/clock.ts";
import { acquireLease, releaseLease, renewLease } from "../../shared/db/edges.ts";
import type { Db } from "../../shared/db/port.ts";

export interface NamedLeaseOptions {
  readonly name: string;
  /** The edge's identity: its own lease is retaken at once. */
  readonly holder: string;
  readonly leaseMs: number;
}

export interface NamedLease {
  /**
   * The epoch while this holder has the lease, taking it where it is free and renewing it when a third of it is gone; undefined while
   * another has it. Rejects when the database is away and the lease has run out.
   */
  hold(): Promise<bigint | undefined>;
  /** True while nobody else can have it, by the monotonic clock: a suspended process finds it lost. */
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
    // From before the request: the database counts from later.
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
