/** From the rounds of a row to what is shown: medians, ranges, and how many times as good as the peer. */

import type { Bench, Row, Values } from "./bench.ts";

/** What one round measured. */
export interface Round {
  readonly ours: Values;
  /** Undefined where there is no peer. */
  readonly peer: Values | undefined;
  /** Of the machine over the minute before it. */
  readonly load: number;
}

/** A row as it is shown. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly what: string;
  readonly better: Row["better"];
  readonly growth: Row["growth"];
  /** Medians. */
  readonly ours: number;
  readonly peer: number | null;
  /** How many times as good as the peer: the median of the rounds' own ratios. Null without a peer, or where neither is better. */
  readonly ratio: number | null;
  readonly rounds: number;
  readonly oursRange: readonly [number, number];
  readonly peerRange: readonly [number, number] | null;
}

/** The middle one, or the mean of the two in the middle. Throws RangeError on none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new RangeError("a median of no values");
  return (low + high) / 2;
}

export function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The smallest value that so large a part of all do not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** The rows of a bench that its rounds have measured. */
export function figuresOf(bench: Bench, rounds: readonly Round[]): Figure[] {
  return Object.entries(bench.rows).flatMap(([name, row]) => {
    const ours = rounds.flatMap((round) => round.ours[name] ?? []);
    if (ours.length === 0) return [];
    const peer = rounds.flatMap((round) => round.peer?.[name] ?? []);
    return {
      ...{ name, unit: row.unit, what: row.what, better: row.better, growth: row.growth },
      ours: median(ours),
      peer: peer.length === 0 ? null : median(peer),
      ratio: ratioOf(name, row, rounds),
      rounds: ours.length,
      oursRange: range(ours),
      peerRange: peer.length === 0 ? null : range(peer),
    };
  });
}

/** Within each round, as the load of a machine changes between them. */
function ratioOf(name: string, { better }: Row, rounds: readonly Round[]): number | null {
  if (better === undefined) return null;
  const ratios = rounds.flatMap(({ ours, peer }) => {
    const [own, other] = [ours[name], peer?.[name]];
    if (own === undefined || other === undefined) return [];
    return better === "more" ? own / other : other / own;
  });
  return ratios.length === 0 ? null : median(ratios);
}
