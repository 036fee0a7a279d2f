/**
 * Whether a miner that is paid keeps back the hits that would win (docs/decisions/withholding.md). A hash that met its target reaches the
 * submission threshold with a fixed chance that nobody can change. So credited work tells how many hits should have come in time. Their
 * number is a Poisson variable. It is judged once each time that a fixed number of hits was due.
 */

import { MAX_U64 } from "../bytes.ts";
import { HASH_SPACE } from "../difficulty/target.ts";
import { assignedWork } from "../difficulty/work.ts";

/** What one share says about its miner. */
export interface Tally {
  /** Whole hashes of the credited work; 0 where its target alone reaches the threshold: such a share cannot be kept back and paid. */
  readonly judged: bigint;
  /** It reached the threshold while it could still win: 0 or 1. */
  readonly sent: number;
}

const NOTHING: Tally = { judged: 0n, sent: 0 };

/**
 * `threshold` is the fixed part of the submission rule: the average in the job's row (0: there is none). The other part, the list of the
 * best so far, changes with what others send, and is not used here. A late share counts as kept back: it was paid and could not win.
 */
export function tallyOf(
  share: { readonly assigned: bigint; readonly reached: bigint; readonly late: boolean },
  threshold: bigint,
): Tally {
  if (share.assigned >= threshold) return NOTHING;
  const sent = share.reached > threshold && !share.late ? 1 : 0;
  return { judged: assignedWork(share.assigned), sent };
}

/** Hits above a threshold that this many hashes give on average, in units of 2^-64, so that sums and comparisons are exact. */
export function expectedHits(judged: bigint, threshold: bigint): bigint {
  return judged * (MAX_U64 - threshold);
}

/** Units as a number, for people. */
export function hitsOf(expected: bigint): number {
  return Number((expected * 1_000_000n) / HASH_SPACE) / 1_000_000;
}

/**
 * Hits due before each look. A miner who sends none is five standard deviations off at the first look. One who keeps back half of them is
 * seen at the second look, a quarter at the third.
 */
export const LOOKS = [25, 100, 400, 1600] as const;

/**
 * The chance that a normal variable is five standard deviations or more below its mean. An honest miner's chance of an alarm at one look is
 * at most this.
 */
export const ALARM_CHANCE = 2.866515718791933e-7;

/** Hits that were due, in units of 2^-64, and that came. */
export interface Hits {
  readonly expected: bigint;
  readonly sent: bigint;
}

/** The looks of one length, which never share a block. */
export interface Looks {
  /** Since the last look. */
  readonly open: Hits;
  readonly done: number;
  /** The looks among `done` whose result chance does not explain. */
  readonly alarms: number;
  readonly last: Hits | null;
}

export interface Withholding {
  /** Since the first block. */
  readonly total: Hits;
  /** One for each of `LOOKS`. */
  readonly looks: readonly Looks[];
}

const NO_HITS: Hits = { expected: 0n, sent: 0n };
export const UNJUDGED: Withholding = {
  total: NO_HITS,
  looks: LOOKS.map(() => ({ open: NO_HITS, done: 0, alarms: 0, last: null })),
};

/** Adds one block. Only work decides when a look is due, never hits: nobody is looked at because of bad luck. */
export function withBlock(known: Withholding, block: Hits): Withholding {
  return {
    total: plus(known.total, block),
    looks: known.looks.map((looks, level) => {
      const open = plus(looks.open, block);
      if (open.expected < BigInt(LOOKS[level] ?? 0) * HASH_SPACE) return { ...looks, open };
      const alarms = looks.alarms + (isAlarm(open) ? 1 : 0);
      return { open: NO_HITS, done: looks.done + 1, alarms, last: open };
    }),
  };
}

export function isAlarm({ expected, sent }: Hits): boolean {
  return chanceOfAtMost(Number(sent), hitsOf(expected)) <= ALARM_CHANCE;
}

/** Standard deviations above (or, below 0, under) what was due; null where nothing was. */
export function deviation({ expected, sent }: Hits): number | null {
  const due = hitsOf(expected);
  return due > 0 ? (Number(sent) - due) / Math.sqrt(due) : null;
}

/** P(X ≤ count) of a Poisson variable with this mean. */
export function chanceOfAtMost(count: number, mean: number): number {
  if (count < 0) return 0;
  if (mean <= 0) return 1;
  // Above the mean the terms grow towards the mean, so the upper tail is the shorter sum.
  if (count > mean) return 1 - upperTail(count + 1, mean);
  let sum = 0;
  let term = 1;
  for (let at = count; at >= 0 && term > 1e-18 * sum; at--) {
    sum += term;
    term *= at / mean;
  }
  return sum * Math.exp(logTerm(count, mean));
}

/** P(X ≥ count), for counts above the mean. */
function upperTail(count: number, mean: number): number {
  let sum = 0;
  let term = 1;
  for (let at = count + 1; term > 1e-18 * sum; at++) {
    sum += term;
    term *= mean / at;
  }
  return sum * Math.exp(logTerm(count, mean));
}

function logTerm(count: number, mean: number): number {
  let logFactorial = 0;
  for (let n = 2; n <= count; n++) logFactorial += Math.log(n);
  return count * Math.log(mean) - mean - logFactorial;
}

function plus(a: Hits, b: Hits): Hits {
  return { expected: a.expected + b.expected, sent: a.sent + b.sent };
}
