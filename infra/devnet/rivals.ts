/** The devnet's other miners: each has its own OPR with prices near the feed's, hashes for real, and submits its best nonce. */

import { bytesToU64, concat, u32ToBytes } from "../../shared/bytes.ts";
import type { Random } from "../../shared/clock.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { encodeEntry, OPR_CHAIN } from "../../shared/factom/entry.ts";
import { faAddressOf } from "../../shared/factom/fat2.ts";
import { buildOpr } from "../../shared/grading/build-record.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { OprVersion } from "../../shared/opr/assets.ts";
import { oprExtIds } from "../../shared/opr/opr-entry.ts";
import { sha256 } from "../../shared/sha256.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface RivalsOptions {
  readonly count: number;
}

export interface RivalsModules {
  readonly hasher: Hasher;
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
  /** Does a part of the block's hashes, found in the given minute. Stops early when harvested. Never overlaps another part. */
  work(part: number, minute: number): Promise<void>;
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
/**
 * Small enough that a harvest waits a few milliseconds, large enough for the kernel to hash several at once.
 */
const BATCH = 512;

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
  let done = 0;
  let harvested = false;
  let running: Promise<void> = Promise.resolve();

  const hashBatch = async (size: number, minute: number): Promise<void> => {
    const tries = Array.from({ length: size }, (_, i) => {
      const rival = (done + i) % records.length;
      const nonce = concat(prefix, u32ToBytes(done + i));
      return { rival, nonce, input: concat(records[rival]?.oprHash ?? new Uint8Array(), nonce) };
    });
    done += size;
    const hashes = await hasher.hash(tries.map((one) => one.input));
    for (const [i, { rival, nonce }] of tries.entries()) {
      const difficulty = bytesToU64(hashes[i] ?? new Uint8Array(8));
      const found = { rival, nonce, difficulty, minute };
      if (difficulty > (best[rival]?.difficulty ?? -1n)) best[rival] = found;
      strongest.offer(found);
    }
  };
  const workUntil = async (goal: number, minute: number): Promise<void> => {
    while (done < goal && !harvested) await hashBatch(Math.min(BATCH, goal - done), minute);
  };
  return {
    work(part, minute) {
      const share = Math.max(records.length, Math.ceil(block.hashes * part));
      running = running.then(() => workUntil(done + share, minute));
      return running;
    },
    async harvest() {
      harvested = true;
      await running;
      // A block shorter than one batch still gets an entry of each rival.
      if (done < records.length) await hashBatch(records.length, 1);
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
function createStrongest(count: number): { offer(found: Found): void; list(): readonly Found[] } {
  let kept: Found[] = [];
  /** An offer must exceed this: the difficulty of the last one kept at the last sort. */
  let floor = -1n;
  const trim = (): void => {
    kept = kept
      .toSorted((a, b) => (a.difficulty === b.difficulty ? 0 : a.difficulty > b.difficulty ? -1 : 1))
      .slice(0, count);
    if (kept.length === count) floor = kept.at(-1)?.difficulty ?? floor;
  };
  return {
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
