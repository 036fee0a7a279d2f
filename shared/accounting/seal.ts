/** Sealing a job, the pure part: when it may be done, and what it books (docs/design.md, "Sealing"). */

import { sha256Hex } from "../sha256.ts";
import type { FeeRate } from "./fee.ts";
import { groupLeaves, type LeafGroup, rootOfGroups, type WorkLeaf } from "./merkle.ts";
import { type SplitMode, splitReward } from "./split.ts";

/** An edge epoch that may have worked on a job, and has not yet shown that all its work has arrived. */
export interface MissingEpoch {
  readonly slot: number;
  readonly epoch: string;
  readonly edgeId: string;
  /** The last seq its close marker names; null while the marker itself is missing. */
  readonly lastSeq: number | null;
  /** Deltas of it that are applied. */
  readonly applied: number;
}

/** What the database says about the lowest job that is not sealed. */
export interface SealCandidate {
  readonly height: number;
  /** How long sealers have watched it, in milliseconds (`lookAfterJobs`). It is a sum, not a clock's time, so it cannot jump. */
  readonly watchedMs: number;
  readonly state: "open" | "closing";
  /** The chain or a later job has passed it. Edges take no more shares for it, except the late ones of its last seconds. */
  readonly closed: boolean;
  /** Its block is graded. */
  readonly rewarded: boolean;
  /** The part of `watchedMs` since a sealer first saw it closed; 0 before. */
  readonly closedMs: number;
  readonly missing: readonly MissingEpoch[];
}

export type SealWait = "open" | "no-reward" | "missing-work";

export type SealDecision =
  | { readonly kind: "wait"; readonly reason: SealWait }
  /** `forced`: the deadline has passed with work still missing; whatever comes later is booked as late work. */
  | { readonly kind: "seal"; readonly forced: boolean };

/** A job that an earlier attempt closed is sealed without asking again: its sums are frozen. */
export function decideSeal(candidate: SealCandidate, deadlineMs: number): SealDecision {
  const { state, closed, rewarded, closedMs, missing } = candidate;
  if (state === "closing") return { kind: "seal", forced: false };
  if (!closed) return { kind: "wait", reason: "open" };
  if (!rewarded) return { kind: "wait", reason: "no-reward" };
  if (missing.length === 0) return { kind: "seal", forced: false };
  return closedMs >= deadlineMs ? { kind: "seal", forced: true } : { kind: "wait", reason: "missing-work" };
}

/**
 * Whether a job has waited too long for its seal: sealers have watched it for two deadlines. By then missing work no longer holds up the
 * seal, so it must be the chain that is missing.
 */
export function isOverdue({ watchedMs }: Pick<SealCandidate, "watchedMs">, deadlineMs: number): boolean {
  return watchedMs >= 2 * deadlineMs;
}

/** The inputs of a closing job; money in 1e-8 PEG. `leaves` in byte order of (user, worker). */
export interface FrozenJob {
  readonly height: number;
  readonly reward: bigint;
  readonly carriedIn: bigint;
  readonly rate: FeeRate;
  readonly split: SplitMode;
  readonly leaves: readonly WorkLeaf[];
}

export interface SealedUser {
  readonly user: string;
  readonly shares: bigint;
  readonly work: bigint;
  readonly amount: bigint;
}

/** What a seal books: `fee + paid + carried = reward + carriedIn`, `paid` = Σ amount. Users in byte order. */
export interface Settlement {
  readonly fee: bigint;
  readonly paid: bigint;
  readonly carried: bigint;
  readonly shares: bigint;
  readonly work: bigint;
  readonly users: readonly SealedUser[];
  readonly root: string;
  /** Of the tree with that root. */
  readonly groups: readonly LeafGroup[];
}

/** Fee, split, carry and root of a job. The same inputs give the same books anywhere: `audit` computes them again. */
export function settleReward(job: FrozenJob): Settlement {
  const sums = new Map<string, { user: string; shares: bigint; work: bigint }>();
  for (const { user, shares, work } of job.leaves) {
    const sum = sums.get(user) ?? { user, shares: 0n, work: 0n };
    sums.set(user, { user, shares: sum.shares + shares, work: sum.work + work });
  }
  const split = splitReward({
    height: job.height,
    reward: job.reward,
    carriedIn: job.carriedIn,
    rate: job.rate,
    mode: job.split,
    users: [...sums.values()],
  });
  const users = split.payouts.map(({ user, work, amount }) => ({
    user,
    shares: sums.get(user)?.shares ?? 0n,
    work,
    amount,
  }));
  const groups = groupLeaves(job.leaves);
  return {
    fee: split.fee,
    paid: users.reduce((sum, { amount }) => sum + amount, 0n),
    carried: split.carriedOut,
    shares: users.reduce((sum, { shares }) => sum + shares, 0n),
    work: users.reduce((sum, { work }) => sum + work, 0n),
    users,
    root: rootOfGroups(job.height, groups),
    groups,
  };
}

/** Names what a settlement books: 32 hex digits of a hash over all of it. */
export function attemptId(settlement: Settlement): string {
  const { fee, paid, carried, root, users } = settlement;
  const lines = [
    `${fee},${paid},${carried},${root}`,
    ...users.map((u) => `${u.user},${u.shares},${u.work},${u.amount}`),
  ];
  return sha256Hex(lines.join("\n")).slice(0, 32);
}
