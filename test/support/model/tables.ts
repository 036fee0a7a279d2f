/** The rows of the model database, by the names of the real tables. */

import type { Delta } from "../../../shared/messages/summary.ts";

export interface JobRecord {
  readonly height: number;
  readonly oprHash: string;
  readonly createdAtMs: number;
  /** In units of 1e-8. */
  readonly rate: bigint;
  readonly split: "largest-remainder" | "reference";
  readonly credit: "assigned" | "achieved";
  state: "open" | "closing" | "sealed";
  closedSeen: boolean;
  lookedAtMs: number | null;
  watchedMs: number;
  closedMs: number;
  forced: boolean;
  sealed: SealRecord | undefined;
}

export interface SealRecord {
  readonly attempt: string;
  readonly winning: number;
  readonly shares: bigint;
  readonly work: bigint;
  readonly reward: bigint;
  readonly carriedIn: bigint;
  readonly fee: bigint;
  readonly paid: bigint;
  readonly carried: bigint;
  readonly root: string;
}

export interface BlockRecord {
  readonly height: number;
  readonly keyMr: string;
  readonly reward: bigint;
  readonly winning: number;
}

export interface DeltaRecord {
  readonly delta: Delta;
  readonly body: string;
  into: number | null;
  /** Places of rows that were booked under the name for the rest; null while it is parked. */
  folded: readonly number[] | null;
  /** Places of rows that were booked nowhere. */
  dropped: readonly number[];
}

/** A name of one of a user's rigs. */
export interface WorkerRecord {
  readonly user: string;
  readonly worker: string;
  state: "own" | "new" | "waiting";
  sinceMs: number;
}

export interface WorkRecord {
  readonly user: string;
  readonly worker: string;
  shares: bigint;
  work: bigint;
  best: bigint;
  rejected: bigint;
  late: bigint;
}

export interface PayoutRecord {
  readonly user: string;
  readonly shares: bigint;
  readonly work: bigint;
  readonly amount: bigint;
}

export interface SlotRecord {
  edgeId: string;
  epoch: number;
  expiresAtMs: number;
  coveredJob: number | undefined;
}

export interface EpochRecord {
  readonly slot: number;
  readonly epoch: number;
  readonly edgeId: string;
  firstJob: number | undefined;
  lastJob: number | undefined;
}

export interface PaymentRecord {
  readonly entryHash: string;
  readonly user: string;
  readonly address: string;
  readonly amount: bigint;
}

export interface PriceRecord {
  readonly id: bigint;
  /** By the poller's wall clock. */
  readonly atMs: number;
  /** By the server's clock. */
  readonly madeAtMs: number;
}

export class Tables {
  /** In the order of their ids. */
  readonly prices: PriceRecord[] = [];
  readonly users = new Set<string>();
  /** Code → who claimed it. */
  readonly invites = new Map<string, string | undefined>();
  readonly jobs = new Map<number, JobRecord>();
  readonly blocks = new Map<number, BlockRecord>();
  readonly jobless = new Map<number, { readonly reward: bigint; readonly into: number }>();
  readonly deltas = new Map<string, DeltaRecord>();
  readonly markers = new Map<string, number>();
  /** By job and user. */
  readonly tallies = new Map<string, { judged: bigint; sent: bigint }>();
  /** By user and worker. */
  readonly workers = new Map<string, WorkerRecord>();
  readonly work = new Map<number, Map<string, WorkRecord>>();
  readonly payouts = new Map<number, Map<string, Map<string, PayoutRecord>>>();
  readonly payments: PaymentRecord[] = [];
  /** Entries on record as sent, in the place of payout_entries and their lines. */
  readonly sent = new Map<string, PaymentRecord>();
  /** payout_compared: FA address → height. */
  readonly compared = new Map<string, number>();
  readonly slots = new Map<number, SlotRecord>();
  readonly epochs = new Map<string, EpochRecord>();
  readonly leases = new Map<string, { holder: string; epoch: bigint; expiresAtMs: number }>();
  /** Counts the changes to a job's row, sums and drafts: a sealed one must not move. */
  readonly revisions = new Map<number, number>();

  touch(job: number): void {
    this.revisions.set(job, (this.revisions.get(job) ?? 0) + 1);
  }

  jobsInOrder(): JobRecord[] {
    return [...this.jobs.values()].sort((a, b) => a.height - b.height);
  }

  /** The job's sums in byte order of (user, worker). */
  sums(job: number): WorkRecord[] {
    return [...(this.work.get(job)?.values() ?? [])].sort((a, b) =>
      a.user === b.user ? (a.worker < b.worker ? -1 : 1) : a.user < b.user ? -1 : 1,
    );
  }
}

export function bookId(key: { job: number; slot: number; epoch: number }): string {
  return `${key.job}/${key.slot}/${key.epoch}`;
}
