/** How hard the rivals work: a fixed number of hashes a block, or half of what everybody else seems to do. */

/** `auto` follows the others' entries, so that one miner wins 5 to 20 of the 25 places on any machine. */
export type RivalHashes = number | "auto";

/** Where `auto` begins and what it never goes below. */
const FIRST_HASHES = 20_000;
const FEWEST_HASHES = 3_000;
/** At most this many times more or less than in the block before. */
const LARGEST_CHANGE = 8;
/** Entries that the estimate looks at; a pool submits its best 25. */
const ESTIMATE_PLACES = 25;

export interface Effort {
  /** Hashes for the next block. */
  next(): number;
  /** Tells the difficulties of the entries of others in the last block. */
  observe(difficulties: readonly bigint[]): void;
}

export function createEffort(setting: RivalHashes): Effort {
  let hashes = setting === "auto" ? FIRST_HASHES : setting;
  return {
    next: () => hashes,
    observe(difficulties) {
      const others = setting === "auto" ? estimateHashes(difficulties) : undefined;
      if (others === undefined) return;
      const wanted = Math.max(FEWEST_HASHES, others / 2);
      hashes = Math.round(Math.min(hashes * LARGEST_CHANGE, Math.max(hashes / LARGEST_CHANGE, wanted)));
    },
  };
}

/** Hashes behind the best entries: the k-th best difficulty d of n hashes lies near 2^64·(1 − k/n). Undefined without entries. */
export function estimateHashes(difficulties: readonly bigint[]): number | undefined {
  const best = difficulties.toSorted((a, b) => (a > b ? -1 : 1)).slice(0, ESTIMATE_PLACES);
  const last = best.at(-1);
  if (last === undefined) return undefined;
  return (best.length * 2 ** 64) / Number(2n ** 64n - last);
}
