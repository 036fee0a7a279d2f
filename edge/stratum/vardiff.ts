/** The target a session is assigned and when it changes (DESIGN.md, "Vardiff"). Pure: time comes in, a new assignment comes out. */

import { assignedWork } from "../../shared/difficulty/work.ts";

export interface VardiffSettings {
  readonly blockPeriodMs: number;
  /** Shares a connection should find in one block period. */
  readonly sharesPerBlock: number;
  /** The first target, where the submission threshold is not lower. */
  readonly firstTarget: bigint;
  /** No session gets an easier one, unless the threshold asks for it. */
  readonly easiestTarget: bigint;
}

/** One session's target with the evidence gathered since it was set. Immutable. */
export interface Assignment {
  readonly target: bigint;
  /** While it lasts, shares meeting this lower target are taken, every share counts it, and nothing is retargeted. */
  readonly grace: { readonly target: bigint; readonly untilMs: number } | undefined;
  /** What the miner asked for: taken up once, in either direction; after that vardiff does not go below it. */
  readonly wish: bigint | undefined;
  /** The wish has not been taken up yet. */
  readonly asked: boolean;
  readonly windowStartMs: number;
  readonly shares: number;
  /** Hashes that the accepted shares of the window stand for. */
  readonly work: bigint;
}

const TWO_64 = 1n << 64n;
/** Shares that make an estimate good to a quarter. */
const ENOUGH_SHARES = 20;

/** The highest target whose shares take at most `hashes` hashes on average (at least 1). */
export function targetFor(hashes: bigint): bigint {
  const divisor = hashes < 1n ? 1n : hashes;
  return TWO_64 - (TWO_64 + divisor - 1n) / divisor;
}

/** The least and most min(30 s, ¼ block) allows. */
export function graceMs(settings: VardiffSettings): number {
  return Math.min(30_000, settings.blockPeriodMs / 4);
}

/** The first target of a session. `threshold` 0n = none. */
export function firstAssignment(settings: VardiffSettings, threshold: bigint, nowMs: number): Assignment {
  const target = capped(settings.firstTarget, threshold);
  return {
    target,
    grace: undefined,
    wish: undefined,
    asked: false,
    windowStartMs: nowMs,
    shares: 0,
    work: 0n,
  };
}

/** What a share read at `readAtMs` must reach and is credited for. */
export function assignedAt(assignment: Assignment, readAtMs: number): bigint {
  const { target, grace } = assignment;
  return grace !== undefined && readAtMs < grace.untilMs && grace.target < target ? grace.target : target;
}

/** Counts an accepted share of `assigned`. */
export function withShare(assignment: Assignment, assigned: bigint): Assignment {
  return {
    ...assignment,
    shares: assignment.shares + 1,
    work: assignment.work + assignedWork(assigned),
  };
}

/** Forgets the evidence so far: while there is no job, silence says nothing about the pace. */
export function withoutEvidence(assignment: Assignment, nowMs: number): Assignment {
  return { ...assignment, windowStartMs: nowMs, shares: 0, work: 0n };
}

/** Notes what the miner asked for; `retarget` follows it as soon as no grace runs. */
export function withWish(assignment: Assignment, wish: bigint): Assignment {
  return { ...assignment, wish, asked: true };
}

/** Sets a target, whatever runs: the grace starts again and keeps the lowest target still taken. */
export function assign(
  assignment: Assignment,
  target: bigint,
  settings: VardiffSettings,
  nowMs: number,
): Assignment {
  const lowest = min(assignedAt(assignment, nowMs), target);
  return {
    ...assignment,
    target,
    grace: { target: lowest, untilMs: nowMs + graceMs(settings) },
    windowStartMs: nowMs,
    shares: 0,
    work: 0n,
  };
}

/** The next assignment, or the same object when nothing changes. `target` differs exactly when a set_target must be sent. */
export function retarget(
  assignment: Assignment,
  settings: VardiffSettings,
  threshold: bigint,
  nowMs: number,
): Assignment {
  // A target above the threshold would hide entries that could win, so this does not wait for the grace to end.
  if (threshold > 0n && assignment.target > threshold) return assign(assignment, threshold, settings, nowMs);
  if (assignment.grace !== undefined && nowMs < assignment.grace.untilMs) return assignment;
  const wish =
    assignment.wish === undefined
      ? undefined
      : capped(max(assignment.wish, settings.easiestTarget), threshold);
  if (wish !== undefined && (assignment.asked ? assignment.target !== wish : assignment.target < wish))
    return { ...assign(assignment, wish, settings, nowMs), asked: false };
  const estimate = estimateTarget(assignment, settings, nowMs);
  if (estimate === "wait") return assignment;
  if (estimate === "fine") return withoutEvidence(assignment, nowMs);
  const target = capped(max(max(estimate, settings.easiestTarget), wish ?? 0n), threshold);
  if (target === assignment.target) return withoutEvidence(assignment, nowMs);
  return assign(assignment, target, settings, nowMs);
}

/** The target that would bring the aimed number of shares, once the window shows that the present one does not. */
function estimateTarget(
  assignment: Assignment,
  settings: VardiffSettings,
  nowMs: number,
): bigint | "wait" | "fine" {
  const elapsed = nowMs - assignment.windowStartMs;
  if (elapsed <= 0) return "wait";
  const expected = (elapsed / settings.blockPeriodMs) * settings.sharesPerBlock;
  const ratio = assignment.shares / expected;
  const flooded = assignment.shares >= ENOUGH_SHARES && ratio > 2;
  const off = elapsed >= settings.blockPeriodMs / 4 && (ratio > 2 || ratio < 0.5);
  const drifted = elapsed >= settings.blockPeriodMs && (ratio > 1.33 || ratio < 0.75);
  if (!flooded && !off && !drifted) return elapsed >= settings.blockPeriodMs ? "fine" : "wait";
  if (assignment.shares === 0) return targetFor(assignedWork(assignment.target) / 16n);
  const perShare =
    (assignment.work * BigInt(Math.round(settings.blockPeriodMs))) /
    (BigInt(settings.sharesPerBlock) * BigInt(Math.max(1, Math.round(elapsed))));
  return targetFor(perShare);
}

function capped(target: bigint, threshold: bigint): bigint {
  return threshold > 0n ? min(target, threshold) : target;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
