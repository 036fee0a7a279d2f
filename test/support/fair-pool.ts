/** A network of fair chance: hashes fall where they fall, and nobody's prices are better than others'. */

import type { ObservedBlock } from "../../shared/earnings/network-part.ts";
import type { Chance } from "./random.ts";

export interface FairPool {
  /** Hashes of everybody in a block. */
  readonly networkHashes: number;
  /** The pool's part of them. */
  readonly part: number;
  /** Hashes that a share of its miners stands for. */
  readonly shareHashes: number;
  /** `alone`: each entry has prices of its own. `bunched`: all entries of the pool have one record's, and each of 30 rivals has its own. */
  readonly grading: "alone" | "bunched";
  /** Whether the books say whose the graded entries are. */
  readonly recorded: boolean;
}

const GRADED = 50;
const PAID = 25;
const RIVALS = 30;

/** The next block. */
export function fairBlock(pool: FairPool, chance: Chance): ObservedBlock {
  const { networkHashes, part, shareHashes } = pool;
  // Of so many hashes the 50th best leaves a space like the 50th event of a Poisson process.
  let events = 0;
  for (let i = 0; i < GRADED; i++) events -= Math.log(1 - chance.unit());
  const owners = Array.from({ length: GRADED }, () => (chance.hit(part) ? 0 : chance.whole(1, RIVALS)));
  const distances = Array.from({ length: RIVALS + 1 }, () => chance.unit());
  const won = owners
    .map((owner, i) => ({
      owner,
      distance: pool.grading === "alone" ? chance.unit() : (distances[owner] ?? 0),
      tie: i,
    }))
    .sort((a, b) => a.distance - b.distance || a.tie - b.tie)
    .slice(0, PAID)
    .filter(({ owner }) => owner === 0).length;
  const shares = counted((networkHashes * part) / shareHashes, chance);
  return {
    hashes: shares * shareHashes,
    shares,
    networkHashes: (networkHashes * GRADED) / events,
    graded: GRADED,
    others: pool.recorded ? owners.slice(0, -1).filter((owner) => owner !== 0).length : null,
    paid: PAID,
    won,
  };
}

/** A Poisson variable: by its events below some thirty, above that as good as normal. */
function counted(mean: number, chance: Chance): number {
  if (mean > 30) {
    const radius = Math.sqrt(-2 * Math.log(1 - chance.unit()));
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * radius * Math.cos(2 * Math.PI * chance.unit())));
  }
  let count = 0;
  let spent = -Math.log(1 - chance.unit());
  while (spent <= mean) {
    count++;
    spent -= Math.log(1 - chance.unit());
  }
  return count;
}
