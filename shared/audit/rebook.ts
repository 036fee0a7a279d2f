/** A job's sums made again from the deltas that were booked into it: the arithmetic of `books_credit` (0002_books.sql), anew. */

import { isBefore, type WorkLeaf } from "../accounting/merkle.ts";
import type { CreditMode } from "../difficulty/work.ts";
import { type DeltaRow, REST_WORKER } from "../messages/summary.ts";

/** A row of the work table. */
export interface WorkSums extends WorkLeaf {
  /** The best target of the job's own shares; 0 where all work is late. */
  readonly best: bigint;
  readonly rejected: bigint;
  /** Of `shares`: mined for an earlier job. */
  readonly lateShares: bigint;
}

/** A delta as it is booked. */
export interface BookedDelta {
  readonly rows: readonly DeltaRow[];
  /** Places of rows that were booked under `REST_WORKER`; null: booked by the older rule without that name, each row as it stands. */
  readonly folded: readonly number[] | null;
  /** Places of rows that were booked nowhere: they have only refused shares, and their workers have no sums in that job. */
  readonly dropped: readonly number[];
  /** It was mined for an earlier job than the one it is booked into. */
  readonly isLate: boolean;
  readonly from: CreditMode;
  readonly to: CreditMode;
}

const ACHIEVED_UNITS = 1n << 48n;

/** Work converted to another credit unit (`achieved` counts 2^-48 hashes). Work above 0 stays above 0. */
export function inUnit(work: bigint, from: CreditMode, to: CreditMode): bigint {
  if (from === to) return work;
  if (from === "assigned") return work * ACHIEVED_UNITS;
  const whole = work / ACHIEVED_UNITS;
  return whole === 0n && work > 0n ? 1n : whole;
}

/** Adds deltas up, in any order. */
export class WorkTally {
  readonly #sums = new Map<string, WorkSums>();

  add(delta: BookedDelta): void {
    for (const row of sumByWorker(delta)) {
      const key = keyOf(row);
      const sum = this.#sums.get(key);
      this.#sums.set(key, sum === undefined ? row : plus(sum, row));
    }
  }

  /** In byte order of (user, worker). */
  rows(): WorkSums[] {
    return [...this.#sums.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }
}

/** Each worker once. Its work is converted to the other unit as one sum, as in the database. */
function sumByWorker({ rows, folded, dropped, isLate, from, to }: BookedDelta): WorkSums[] {
  const sums = new Map<string, WorkSums>();
  const rest = new Set(folded);
  const left = new Set(dropped);
  for (const [place, { user, worker: name, shares, work, best, rejected }] of rows.entries()) {
    if (left.has(place)) continue;
    const worker = rest.has(place) ? REST_WORKER : name;
    const row: WorkSums = {
      ...{ user, worker, shares: BigInt(shares), work: BigInt(work), rejected: BigInt(rejected) },
      best: isLate ? 0n : BigInt(best),
      lateShares: isLate ? BigInt(shares) : 0n,
    };
    const sum = sums.get(keyOf(row));
    sums.set(keyOf(row), sum === undefined ? row : plus(sum, row));
  }
  return [...sums.values()].map((sum) => ({ ...sum, work: inUnit(sum.work, from, to) }));
}

function plus(a: WorkSums, b: WorkSums): WorkSums {
  return {
    user: a.user,
    worker: a.worker,
    shares: a.shares + b.shares,
    work: a.work + b.work,
    best: larger(a.best, b.best),
    rejected: a.rejected + b.rejected,
    lateShares: a.lateShares + b.lateShares,
  };
}

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** A user's name has no comma. */
function keyOf({ user, worker }: { user: string; worker: string }): string {
  return `${user},${worker}`;
}
