/**
 * What part of the network's work a pool did in each block, how many paid places that brings on average, and how far chance takes the
 * places from it (docs/decisions/earnings.md). The pool's own work is known. Only everybody else's is estimated, from the graded entries
 * that are not the pool's, so that the pool is never above its network. In doubles: no money is booked from it.
 */

/** Blocks beside each other whose estimates of the others' work are averaged: alone, each is off by a seventh. */
const AVERAGED_BLOCKS = 25;
/** By fewer blocks the spread of their results cannot be told. */
export const LEAST_BLOCKS = 12;

/** A graded block as the books have it. */
export interface ObservedBlock {
  /** Hashes of the pool's work in it; 0 where it had none. */
  readonly hashes: number;
  /** The shares that this work was counted by. */
  readonly shares: number;
  /** Hashes of everybody, as the space of its last graded entry tells: off by a seventh, or more where few are graded. */
  readonly networkHashes: number;
  /** Graded entries. */
  readonly graded: number;
  /** Those above the last one that are not the pool's; null: not recorded for this block. */
  readonly others: number | null;
  /** Paid places in it. */
  readonly paid: number;
  /** Those that the pool won. */
  readonly won: number;
}

export interface Expected {
  /** Of the network's work, from 0 to 1. */
  readonly part: number;
  /** Hashes of everybody else. */
  readonly otherHashes: number;
  /** Paid places that this part wins on average. */
  readonly places: number;
  /** Of the difference between the places won and these: chance, and the error of both estimates. */
  readonly variance: number;
}

/** One for each block, in the order given, which is that of the heights, upwards or downwards. */
export function expectedOf(blocks: readonly ObservedBlock[]): Expected[] {
  const others = runningMeans(blocks.map(othersHashes), AVERAGED_BLOCKS);
  return blocks.map((block, i) => {
    const otherHashes = Math.max(0, others[i] ?? 0);
    const whole = block.hashes + otherHashes;
    const part = whole > 0 ? block.hashes / whole : 0;
    return { part, otherHashes, places: part * block.paid, variance: varianceOf(block, part) };
  });
}

/**
 * How often the spread of the places won is that of independent draws; at least 1. All entries of a pool have the same prices, so they are
 * graded together, and its places come in bunches.
 */
export function dispersionOf(blocks: readonly ObservedBlock[], expected: readonly Expected[]): number {
  const off = blocks.flatMap((block, i) => {
    const { places, variance } = expected[i] ?? { places: 0, variance: 0 };
    return variance > 0 ? [{ by: block.won - places, variance }] : [];
  });
  if (off.length < LEAST_BLOCKS) return 1;
  const mean = off.reduce((sum, { by }) => sum + by, 0) / off.length;
  const spread = off.reduce((sum, { by }) => sum + (by - mean) ** 2, 0) / (off.length - 1);
  const usual = off.reduce((sum, { variance }) => sum + variance, 0) / off.length;
  return Math.max(1, spread / usual);
}

/** An unbiased estimate; without a record of whose the entries are it may come out below zero by chance. */
function othersHashes({ others, graded, networkHashes, hashes }: ObservedBlock): number {
  if (graded === 0) return 0;
  // The last entry sets the space that is looked at, so that it says nothing itself.
  if (others === null) return (networkHashes * (graded - 1)) / graded - hashes;
  return (others * networkHashes) / graded;
}

function varianceOf({ paid, graded, shares, others }: ObservedBlock, part: number): number {
  if (part === 0 || graded === 0) return 0;
  const rest = part * (1 - part);
  // Who finds more of the graded entries than is due makes the others look smaller: both move together, and the difference less.
  const draws =
    others === null
      ? paid * rest + (paid * part) ** 2 / graded
      : paid * rest * (1 - (part * paid) / Math.max(paid, graded));
  return draws + (shares > 0 ? (paid * rest) ** 2 / shares : 0);
}

/** The mean of up to `width` values around each. */
function runningMeans(values: readonly number[], width: number): number[] {
  const half = Math.floor(width / 2);
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return values.map((_, i) => {
    // At an end the window is moved, not cut: a short one would be as uncertain as one block.
    const from = Math.max(0, Math.min(i - half, values.length - width));
    const to = Math.min(values.length, Math.max(i + half + 1, width));
    return ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from);
  });
}
