/** Reads a block of the chain from factomd: the directory block, its OPR entry block, and every entry. */

import type { Clock, Timer } from "../../shared/clock.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { type Entry, OPR_CHAIN } from "../../shared/factom/entry.ts";
import { missing } from "../../shared/factom/missing.ts";
import { type ConcurrencyLimit, createConcurrencyLimit } from "./concurrency-limit.ts";
import { createEntryCache, type EntryCache } from "./entry-cache.ts";

/** An OPR entry as it stands on chain. */
export interface ChainEntry {
  /** Hex. */
  entryHash: string;
  extIds: readonly Uint8Array[];
  content: Uint8Array;
}

export interface ChainBlock {
  height: number;
  keyMr: string;
  prevKeyMr: string;
  /** Unix seconds at which the block began. */
  timestamp: number;
  /** Of the OPR chain, in chain order; empty where the block has none. */
  entries: ChainEntry[];
}

export interface BlockReader {
  /**
   * Reads the block at `height`. Rejects with the client's error, or with `factomd-reply` if the node lacks something that it should have. The caller
   * then tries again, and entries that were read are not read again. When `signal` aborts, it rejects and sends no more calls.
   */
  read(height: number, signal?: AbortSignal): Promise<ChainBlock>;
  /** A raw entry that this pool has sent: it is not asked for when it is on chain. */
  know(raw: Uint8Array): void;
}

export interface BlockReaderModules {
  readonly factomd: Factomd;
  readonly clock: Clock;
}

/** Calls for entries at a time: as many as the node can take, within these bounds. */
const CALLS = { least: 4, first: 16, most: 256 };
/** 32 MiB: about 30,000 records of a kilobyte each. With more, the oldest must be read again. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** How often one entry is asked for in one reading. */
const TRIES = 4;
/**
 * A call that takes longer than usual, by this factor plus this time, is late: the entry is asked for a second time, so that a call that hangs does
 * not hold up the block.
 */
const LATE_FACTOR = 4;
const LATE_MS = 1_000;
/** Late calls may be this part of the limit at most; they are not counted in it. */
const LATE_PART = 1 / 4;
/** After this many calls in a row without an entry the node is away or still syncing: the caller waits, then asks again. */
const FAILURES_IN_A_ROW = 8;

export function createBlockReader(modules: BlockReaderModules): BlockReader {
  const { factomd } = modules;
  const cache = createEntryCache(CACHE_BYTES);
  const limiter = createConcurrencyLimit(CALLS, modules);
  return {
    know: (raw) => cache.know(raw),
    async read(height, signal) {
      const directory = present(await factomd.dblockByHeight(height), `directory block ${height}`);
      const listed = directory.entryBlocks.find((one) => one.chainId === OPR_CHAIN);
      const hashes = listed === undefined ? [] : await entryHashes(factomd, listed.keyMr);
      const entries = await new EntryReading(hashes, { ...modules, cache, limiter }).run(signal);
      return {
        height,
        keyMr: directory.keyMr,
        prevKeyMr: directory.prevKeyMr,
        timestamp: directory.timestampMinutes * 60,
        entries,
      };
    },
  };
}

async function entryHashes(factomd: Factomd, keyMr: string): Promise<string[]> {
  const block = present(await factomd.entryBlock(keyMr), `entry block ${keyMr}`);
  return block.entries.map((entry) => entry.hash);
}

interface ReadingModules extends BlockReaderModules {
  readonly cache: EntryCache;
  readonly limiter: ConcurrencyLimit;
}

/** The reading of one block's entries. */
class EntryReading {
  readonly #hashes: readonly string[];
  readonly #modules: ReadingModules;
  readonly #found = new Map<string, Entry>();
  /** Entries that are still to be asked for; the next one is the last. */
  readonly #queue: string[];
  readonly #failures = new Map<string, number>();
  readonly #late = new Map<string, number>();
  #lateUnderWay = 0;
  #failuresInARow = 0;
  readonly #wanted: number;
  #underWay = 0;
  #givenUp = false;
  #problem: unknown;
  #done: () => void = () => undefined;

  constructor(hashes: readonly string[], modules: ReadingModules) {
    this.#hashes = hashes;
    this.#modules = modules;
    const wanted = new Set(hashes);
    this.#wanted = wanted.size;
    for (const hash of wanted) {
      const known = modules.cache.get(hash);
      if (known !== undefined) this.#found.set(hash, known);
    }
    this.#queue = [...wanted].filter((hash) => !this.#found.has(hash)).reverse();
  }

  async run(signal?: AbortSignal): Promise<ChainEntry[]> {
    const stop = (): void => {
      this.#givenUp = true;
      this.#done();
    };
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await new Promise<void>((resolve) => {
        this.#done = resolve;
        this.#modules.limiter.restart();
        this.#launch();
      });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    signal?.throwIfAborted();
    if (this.#problem !== undefined) throw this.#problem;
    return this.#hashes.map((entryHash) => {
      const { extIds, content } = present(this.#found.get(entryHash), `entry ${entryHash}`);
      return { entryHash, extIds, content };
    });
  }

  #launch(): void {
    while (!this.#givenUp && this.#underWay < this.#modules.limiter.limit()) {
      const hash = this.#queue.pop();
      if (hash === undefined) break;
      if (!this.#found.has(hash)) void this.#ask(hash);
    }
    // A late call may still be under way.
    if (this.#underWay === 0 || this.#found.size === this.#wanted) this.#done();
  }

  async #ask(hash: string): Promise<void> {
    const { factomd, cache, limiter } = this.#modules;
    const ended = limiter.begin();
    let isLate = false;
    const late = this.#lateTimer(hash, () => {
      isLate = true;
      this.#lateUnderWay += 1;
      this.#underWay -= 1;
      ended("failed");
      this.#queue.unshift(hash);
      this.#launch();
    });
    this.#underWay += 1;
    try {
      const entry = await factomd.entry(hash);
      if (!isLate) ended("answered");
      if (entry === undefined) this.#lacks(hash);
      else {
        this.#failuresInARow = 0;
        this.#found.set(hash, entry);
        cache.add(hash, entry);
      }
    } catch (thrown) {
      if (!isLate) {
        ended("failed");
        this.#failed(hash, thrown);
      }
    }
    late?.stop();
    if (isLate) this.#lateUnderWay -= 1;
    else this.#underWay -= 1;
    this.#launch();
  }

  /**
   * There is no timer before it is known how long a call usually takes, nor for an entry that was late too often: there the client's deadline ends
   * the call.
   */
  #lateTimer(hash: string, onLate: () => void): Timer | undefined {
    const { limiter, clock } = this.#modules;
    const usualMs = limiter.usualMs();
    const times = this.#late.get(hash) ?? 0;
    if (usualMs === undefined || times >= TRIES - 1) return undefined;
    return clock.after(usualMs * LATE_FACTOR + LATE_MS, () => {
      if (this.#lateUnderWay >= limiter.limit() * LATE_PART) return;
      this.#late.set(hash, times + 1);
      onLate();
    });
  }

  /** Asked for again in this reading, after the others. */
  #failed(hash: string, problem: unknown): void {
    const times = (this.#failures.get(hash) ?? 0) + 1;
    this.#failures.set(hash, times);
    // While more calls are under way, the node may only have too much to do.
    const isAway = this.#countInARow() && this.#modules.limiter.limit() <= CALLS.least;
    if (times < TRIES && !isAway) this.#queue.unshift(hash);
    else this.#problem ??= problem;
    if (isAway) this.#givenUp = true;
  }

  /** The node does not have the entry. The others are still read, for the next time. */
  #lacks(hash: string): void {
    this.#problem ??= missing(`entry ${hash}`);
    if (this.#countInARow()) this.#givenUp = true;
  }

  #countInARow(): boolean {
    this.#failuresInARow += 1;
    return this.#failuresInARow >= FAILURES_IN_A_ROW;
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw missing(what);
}
