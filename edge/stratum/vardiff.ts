/** Which target a session should have (docs/design.md, "Vardiff"). Pure: evidence and time come in, a wanted target comes out. */

import { assignedWork, targetOfWork, wholeTarget } from "../../shared/difficulty/work.ts";

export interface VardiffSettings {
  readonly blockPeriodMs: number;
  /** Shares a connection should find in one block period of mining time. */
  readonly sharesPerBlock: number;
  /** The first target, where the submission threshold is not lower. */
  readonly firstTarget: bigint;
  /** No session gets an easier one, unless the threshold asks for it. */
  readonly easiestTarget: bigint;
}

/** What a session showed since it has its present target. Immutable. */
export interface Pace {
  /** Shares that reached it, accepted or not; duplicates and forgeries do not count. */
  readonly shares: number;
  readonly accepted: number;
  /** How long it was told to mine, up to `sinceMs`. */
  readonly minedMs: number;
  /** Monotonic: mining since then; undefined while stopped. */
  readonly sinceMs: number | undefined;
}

/** The target that should replace the present one. `isMeasured`: it follows from 20 accepted shares or more. */
export interface Retarget {
  readonly target: bigint;
  readonly isMeasured: boolean;
}

/** Shares that make an estimate good to a quarter. */
const ENOUGH_SHARES = 20;
/** After this many block periods at one target the estimate is good to a fifteenth. Counting then begins anew. */
const LONGEST_BLOCKS = 4;

/** A session retargets at most once in this time: a fortieth of a block, at least 5 s (1 s on a quick network, whose blocks are shorter than a minute). */
export function retargetEveryMs({ blockPeriodMs }: VardiffSettings): number {
  return Math.max(blockPeriodMs < 60_000 ? 1_000 : 5_000, blockPeriodMs / 40);
}

/**
 * The nearest target within the bounds, in whole hashes. It is never above the submission threshold (0n: none), because that would hide entries that
 * could win.
 */
export function bounded(target: bigint, settings: VardiffSettings, threshold: bigint): bigint {
  const eased = target < settings.easiestTarget ? settings.easiestTarget : target;
  return wholeTarget(threshold > 0n && threshold < eased ? threshold : eased);
}

/** `sinceMs`: since when the session mines. */
export function freshPace(sinceMs: number | undefined): Pace {
  return { shares: 0, accepted: 0, minedMs: 0, sinceMs };
}

export function withShare(pace: Pace, isAccepted: boolean): Pace {
  return { ...pace, shares: pace.shares + 1, accepted: pace.accepted + (isAccepted ? 1 : 0) };
}

/** Time in which mining is stopped shows nothing. */
export function paused(pace: Pace, nowMs: number): Pace {
  return { ...pace, minedMs: minedMsOf(pace, nowMs), sinceMs: undefined };
}

export function resumed(pace: Pace, nowMs: number): Pace {
  return { ...pace, sinceMs: pace.sinceMs ?? nowMs };
}

/** True once the evidence at this target is as good as it can be: begin anew. */
export function isOld(pace: Pace, { blockPeriodMs }: VardiffSettings, nowMs: number): boolean {
  return minedMsOf(pace, nowMs) >= LONGEST_BLOCKS * blockPeriodMs;
}

/** True where 20 accepted shares or more stand behind it. */
export function isMeasured({ accepted }: Pace): boolean {
  return accepted >= ENOUGH_SHARES;
}

/**
 * The target that would bring the aimed number of shares, if the evidence shows that the present one does not. Undefined: the present one does, or
 * the evidence shows nothing yet.
 */
export function wantedTarget(
  pace: Pace,
  target: bigint,
  settings: VardiffSettings,
  nowMs: number,
): Retarget | undefined {
  const minedMs = minedMsOf(pace, nowMs);
  if (minedMs <= 0) return undefined;
  const blocks = minedMs / settings.blockPeriodMs;
  const ratio = pace.shares / (blocks * settings.sharesPerBlock);
  const flooded = pace.shares >= ENOUGH_SHARES && ratio > 2;
  const off = blocks >= 1 / 4 && (ratio > 2 || ratio < 0.5);
  const drifted = blocks >= 1 && (ratio > 1.33 || ratio < 0.75);
  const biased = blocks >= LONGEST_BLOCKS && (ratio > 1.1 || ratio < 0.9);
  if (!flooded && !off && !drifted && !biased) return undefined;
  const work = assignedWork(target);
  if (pace.shares === 0) return { target: targetOfWork(work / 16n), isMeasured: false };
  const hashes =
    (work * BigInt(pace.shares) * BigInt(Math.round(settings.blockPeriodMs))) /
    (BigInt(settings.sharesPerBlock) * BigInt(Math.max(1, Math.round(minedMs))));
  return { target: targetOfWork(hashes), isMeasured: isMeasured(pace) };
}

function minedMsOf({ minedMs, sinceMs }: Pace, nowMs: number): number {
  return sinceMs === undefined ? minedMs : minedMs + Math.max(0, nowMs - sinceMs);
}
