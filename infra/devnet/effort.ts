/** How hard the rivals work: a fixed number of hashes a block, or about half of what everybody else seems to do. */

import type { Clock, Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";

/** `auto` follows the others' entries, so that one miner wins 5 to 20 of the 25 places on any machine. */
export type RivalHashes = number | "auto";

/** `auto` never goes below this. */
const FEWEST_HASHES = 3_000;
/** At most this many times more or less than in the block before. */
const LARGEST_CHANGE = 8;
/** Where others entered too few records to tell, the hashes fall by this factor at most: on a busy machine a pool's best shares may come too late. */
const LARGEST_GUESSED_FALL = 1.25;
/** Entries that the estimate looks at; a pool submits its best 25. */
const ESTIMATE_PLACES = 25;

/** Of a flag. Throws CodedError "flag-invalid". */
export function readRivalHashes(text: string | undefined): RivalHashes {
  if (text === undefined || text === "auto") return "auto";
  if (/^[1-9]\d{0,12}$/.test(text)) return Number(text);
  throw new CodedError("flag-invalid", `--rival-hashes: expected a number of hashes or auto, got ${text}`);
}

export interface Effort {
  /** Hashes for the next block. */
  next(): number;
  /** Tells the difficulties of the entries of others in the last block. */
  observe(difficulties: readonly bigint[]): void;
}

/** A part of the others' hashes. At exactly half, 1 of 20 blocks gives a single miner more than 20 places. */
const RIVALS_PART = 0.6;
/** `RIVALS_PART` of a miner on 40 % of one thread, and a little more, since the start that is going on slows the measurement. */
const FIRST_PART = 0.3;
/** One message to the hashing thread. With the real table it takes a quarter of a second at the slowest. */
const PROBE_BATCH = 256;
/** How long it measures: short compared with the start, long compared with a pause of the system. */
const PROBE_MS = 250;
/** A fast machine is measured well enough with this many. */
const PROBE_BATCHES = 64;

/** What `auto` begins with: the rivals' part of a local miner's hashes in a block, measured on this machine and table. */
export async function probeFirstHashes(
  blockMs: number,
  modules: { hasher: Hasher; clock: Clock; random: Random },
): Promise<number> {
  const inputs = Array.from({ length: PROBE_BATCH }, () => modules.random(41));
  // The first batch starts the thread and compiles the kernel.
  await modules.hasher.hash(inputs);
  const startMs = modules.clock.monotonicMs();
  let hashes = 0;
  let tookMs = 0;
  while (hashes < PROBE_BATCH * PROBE_BATCHES && tookMs < PROBE_MS) {
    await modules.hasher.hash(inputs);
    hashes += inputs.length;
    tookMs = modules.clock.monotonicMs() - startMs;
  }
  return Math.max(FEWEST_HASHES, Math.round((hashes / Math.max(1, tookMs)) * blockMs * FIRST_PART));
}

/** `first`: hashes of the first block where the setting is `auto`. */
export function createEffort(setting: RivalHashes, first: number): Effort {
  let hashes = setting === "auto" ? first : setting;
  return {
    next: () => hashes,
    observe(difficulties) {
      const others = setting === "auto" ? estimateHashes(difficulties) : undefined;
      if (others === undefined) return;
      const wanted = Math.max(FEWEST_HASHES, others * RIVALS_PART);
      const largestFall = difficulties.length < ESTIMATE_PLACES ? LARGEST_GUESSED_FALL : LARGEST_CHANGE;
      hashes = Math.round(Math.min(hashes * LARGEST_CHANGE, Math.max(hashes / largestFall, wanted)));
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
