/** The devnet's other miners: each has its own OPR with prices near the feed's, hashes for real, and submits its best nonce. */

import { concat, u32ToBytes } from "../../shared/bytes.ts";
import type { Random } from "../../shared/clock.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { encodeEntry, OPR_CHAIN } from "../../shared/factom/entry.ts";
import { faAddressOf } from "../../shared/factom/fat2.ts";
import { buildOpr } from "../../shared/grading/build-record.ts";
import type { NonceSearch } from "../../shared/hash/hasher.ts";
import type { OprVersion } from "../../shared/opr/assets.ts";
import { oprExtIds } from "../../shared/opr/opr-entry.ts";
import { sha256 } from "../../shared/sha256.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface RivalsOptions {
  readonly count: number;
}

export interface RivalsModules {
  readonly hasher: NonceSearch;
  readonly random: Random;
  readonly seeded: SeededRandom;
  readonly prices: () => ReadonlyMap<string, bigint>;
}

/** What the rivals mine. */
export interface RivalBlock {
  readonly height: number;
  readonly version: OprVersion;
  readonly prevWinners: readonly string[];
  /** Hashes of all rivals together. */
  readonly hashes: number;
}

export interface RivalEntry {
  readonly raw: Uint8Array;
  /** 1 to 10: when the nonce was found. */
  readonly minute: number;
}

interface Found {
  readonly rival: number;
  readonly nonce: Uint8Array;
  readonly difficulty: bigint;
  readonly minute: number;
}

export interface RivalRound {
  /**
   * Does a part of the block's hashes, found in the given minute, by the rivals' hasher and by `helpers` beside it. Stops early when
   * harvested. Never overlaps another part.
   */
  work(part: number, minute: number, helpers?: readonly NonceSearch[]): Promise<void>;
  /** Ends the round as soon as the running batch is done: the best of each rival, and the best of all together. */
  harvest(): Promise<readonly RivalEntry[]>;
}

/** Prices lie within half a percent of the feed. */
const NOISE = 5000;
const NOISE_SCALE = 1_000_000n;
/**
 * How many of the best nonces of all rivals together are entered: as many as are graded. The last graded
 * place then tells how much work there really is. With only one entry for each rival, that place would be the
 * unluckiest rival's, and the pool would ask its miners for far too many shares.
 */
const BEST_ENTRIES = 50;
/** Nonces that one rival tries at a time: a harvest waits a few milliseconds for them, and so does a share that is to be checked. */
const STRETCH = 128;
const COUNTER_BYTES = 4;

/** FA address of rival `index`, the same on every devnet. */
export function rivalAddress(index: number): string {
  return faAddressOf(keyPairFromSeed(sha256(`prosper devnet rival ${index}`)));
}

/** The rivals' names and addresses, made once; `start` begins a block. */
export function createRivals(
  options: RivalsOptions,
  modules: RivalsModules,
): { start(block: RivalBlock): RivalRound } {
  const members = Array.from({ length: options.count }, (_, i) => ({
    identity: `Rival${String(i + 1).padStart(2, "0")}`,
    address: rivalAddress(i),
  }));
  const noisy = (prices: ReadonlyMap<string, bigint>): ReadonlyMap<string, bigint> =>
    new Map(
      [...prices].map(([name, price]): [string, bigint] => {
        const factor = NOISE_SCALE + BigInt(modules.seeded.between(-NOISE, NOISE));
        const moved = (price * factor) / NOISE_SCALE;
        return [name, moved > 0n ? moved : 1n];
      }),
    );
  return {
    start(block) {
      const { version, height, prevWinners } = block;
      const records = members.map((member) => {
        const built = buildOpr({ version, height, prevWinners, ...member, prices: noisy(modules.prices()) });
        if (!built.ok) throw new Error(`a rival's OPR is refused: ${built.reason}`);
        return built;
      });
      return startRound(block, records, modules);
    },
  };
}

function startRound(
  block: RivalBlock,
  records: readonly { readonly content: Uint8Array; readonly oprHash: Uint8Array }[],
  { hasher, random }: RivalsModules,
): RivalRound {
  const best = new Array<Found | undefined>(records.length);
  const strongest = createStrongest(BEST_ENTRIES);
  const prefix = random(4);
  /** Of each rival: how many nonces it tried. */
  const tried = new Array<number>(records.length).fill(0);
  let done = 0;
  let turn = 0;
  let harvested = false;
  let running: Promise<void> = Promise.resolve();

  /** The next rival's turn. */
  const search = async (count: number, minute: number, searcher: NonceSearch): Promise<void> => {
    const rival = turn;
    turn = (turn + 1) % records.length;
    const start = tried[rival] ?? 0;
    tried[rival] = start + count;
    done += count;
    const fixed = concat(records[rival]?.oprHash ?? new Uint8Array(), prefix);
    const found = await searcher.search({ prefix: fixed, start, suffixBytes: COUNTER_BYTES, count });
    const { length } = found;
    for (let i = 0; i < length; i++) {
      const difficulty = found[i] ?? 0n;
      const isBest = difficulty > (best[rival]?.difficulty ?? -1n);
      if (!isBest && difficulty <= strongest.floor()) continue;
      const one = { rival, nonce: concat(prefix, u32ToBytes(start + i)), difficulty, minute };
      if (isBest) best[rival] = one;
      strongest.offer(one);
    }
  };
  const workUntil = async (
    goal: number,
    minute: number,
    searchers: readonly NonceSearch[],
  ): Promise<void> => {
    const each = Math.min(STRETCH, Math.ceil((goal - done) / records.length));
    const workBy = async (searcher: NonceSearch): Promise<void> => {
      while (done < goal && !harvested) await search(Math.min(each, goal - done), minute, searcher);
    };
    await Promise.all(searchers.map(workBy));
  };
  return {
    work(part, minute, helpers = []) {
      const share = Math.max(records.length, Math.ceil(block.hashes * part));
      running = running.then(() => workUntil(done + share, minute, [hasher, ...helpers]));
      return running;
    },
    async harvest() {
      harvested = true;
      await running;
      // A block too short for a turn of each still gets an entry of each.
      while (tried.includes(0)) await search(1, 1, hasher);
      const entered = new Set([...best.filter((found) => found !== undefined), ...strongest.list()]);
      return [...entered].map(({ rival, nonce, difficulty, minute }) => {
        const content = records[rival]?.content ?? new Uint8Array();
        const extIds = oprExtIds(block.version, nonce, difficulty);
        return { raw: encodeEntry({ chainId: OPR_CHAIN, extIds, content }), minute };
      });
    },
  };
}

/**
 * Keeps the `count` most difficult of what it is offered. It sorts less than once for every `count` offers.
 */
function createStrongest(count: number): {
  /** An offer must exceed this: the difficulty of the last one kept at the last sort. */
  floor(): bigint;
  offer(found: Found): void;
  list(): readonly Found[];
} {
  let kept: Found[] = [];
  let floor = -1n;
  const trim = (): void => {
    kept = kept
      .toSorted((a, b) => (a.difficulty === b.difficulty ? 0 : a.difficulty > b.difficulty ? -1 : 1))
      .slice(0, count);
    if (kept.length === count) floor = kept.at(-1)?.difficulty ?? floor;
  };
  return {
    floor: () => floor,
    offer(found) {
      if (found.difficulty > floor) kept.push(found);
      if (kept.length >= 2 * count) trim();
    },
    list() {
      trim();
      return kept;
    },
  };
}
