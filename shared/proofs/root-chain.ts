/** Reads the roots that a pool has written to its Factom chain, directory block by directory block, from any factomd. */

import type { Factomd } from "../factom/client.ts";
import { missing } from "../factom/missing.ts";
import { type ChainRoot, isSameRoot, readRootEntry, rootChainOf } from "./root-entry.ts";

/** One line of a valid entry, and where it stands. */
export interface PlacedRoot extends ChainRoot {
  readonly entryHash: string;
  /** Height of the directory block. */
  readonly placedIn: number;
  /** Of the entry in that block's part of the chain, from 0. */
  readonly place: number;
}

export type RootReader = Pick<Factomd, "dblockByHeight" | "entryBlock" | "entry">;

/** Entries asked for at a time. */
const LANES = 4;

/**
 * The valid lines under any of `keys` in the directory block at `height`, in the order of the chain; undefined: the node does not have that block.
 * Rejects as the client does.
 */
export async function rootsInBlock(
  height: number,
  keys: readonly Uint8Array[],
  factomd: RootReader,
): Promise<readonly PlacedRoot[] | undefined> {
  const directory = await factomd.dblockByHeight(height);
  if (directory === undefined) return undefined;
  const found: PlacedRoot[] = [];
  for (const key of keys) {
    const { chainId } = rootChainOf(key);
    const listed = directory.entryBlocks.find((one) => one.chainId === chainId);
    if (listed !== undefined) found.push(...(await rootsInChain(listed, { height, key }, factomd)));
  }
  return found;
}

async function rootsInChain(
  { chainId, keyMr }: { readonly chainId: string; readonly keyMr: string },
  { height, key }: { readonly height: number; readonly key: Uint8Array },
  factomd: RootReader,
): Promise<readonly PlacedRoot[]> {
  const block = await factomd.entryBlock(keyMr);
  if (block === undefined) throw missing(`entry block ${keyMr}`);
  const found: PlacedRoot[] = [];
  // Others may have filled the chain: only what counts is kept.
  for (let at = 0; at < block.entries.length; at += LANES) {
    const lane = block.entries.slice(at, at + LANES).map(async ({ hash }, i): Promise<PlacedRoot[]> => {
      const entry = await factomd.entry(hash);
      if (entry === undefined) throw missing(`entry ${hash}`);
      const roots = entry.chainId === chainId ? (readRootEntry(entry, key) ?? []) : [];
      return roots.map((root) => ({ ...root, entryHash: hash, placedIn: height, place: at + i }));
    });
    found.push(...(await Promise.all(lane)).flat());
  }
  return found;
}

/** What the chain says of one block. */
export interface RootFinding {
  /** The first valid line, which counts. */
  readonly first: PlacedRoot | undefined;
  /** Later ones that say something else. */
  readonly contradictions: readonly PlacedRoot[];
  /** The directory blocks that were read. */
  readonly from: number;
  readonly through: number;
}

/** A week of the real network: a root is written within some blocks, or it was never to be seen in time. */
export const MOST_BLOCKS = 1_008;
/** Directory blocks asked for at a time. */
const BLOCKS = 8;

/** Finds what the chains of a pool's keys say of its blocks, and reads each directory block once: best asked for the newest blocks first. */
export class RootFinder {
  readonly #keys: readonly Uint8Array[];
  readonly #most: number;
  readonly #factomd: RootReader & Pick<Factomd, "heights">;
  /** By the height of the directory block. */
  readonly #read = new Map<number, readonly PlacedRoot[]>();
  /** Heights that are asked for. */
  readonly #waiting = new Set<number>();
  #head: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `most`: directory blocks after a block in which its root is looked for. */
  constructor(
    { keys, most }: { readonly keys: readonly Uint8Array[]; readonly most: number },
    factomd: RootReader & Pick<Factomd, "heights">,
  ) {
    this.#keys = keys;
    this.#most = most;
    this.#factomd = factomd;
  }

  /** The first valid line of a height counts, so nothing before the one that is found can be skipped. Rejects as the client does. */
  find(height: number): Promise<RootFinding> {
    this.#waiting.add(height);
    // One after the other: the next one needs mostly the same directory blocks, and the first reads what those that wait need.
    const found = this.#turn.then(() => this.#find(height)).finally(() => this.#waiting.delete(height));
    this.#turn = found.catch(() => undefined);
    return found;
  }

  async #find(height: number): Promise<RootFinding> {
    this.#head ??= (await this.#factomd.heights()).directoryBlock;
    const from = height + 1;
    const through = Math.min(this.#head, height + this.#most);
    await this.#readAll(from, through);
    let first: PlacedRoot | undefined;
    const contradictions: PlacedRoot[] = [];
    for (let at = from; at <= through; at++)
      for (const root of this.#read.get(at) ?? []) {
        if (root.height !== height) continue;
        first ??= root;
        if (!isSameRoot(first, root)) contradictions.push(root);
      }
    return { first, contradictions, from, through };
  }

  async #readAll(from: number, through: number): Promise<void> {
    for (const at of this.#read.keys()) if (at > through + this.#most) this.#read.delete(at);
    const next = Math.min(...this.#waiting) + 1;
    const lowest = Math.max(Math.min(from, next), from - this.#most);
    const wanted: number[] = [];
    for (let at = through; at >= lowest; at--) if (!this.#read.has(at)) wanted.push(at);
    for (let at = 0; at < wanted.length; at += BLOCKS)
      await Promise.all(
        wanted.slice(at, at + BLOCKS).map(async (height) => {
          const roots = await rootsInBlock(height, this.#keys, this.#factomd);
          if (roots !== undefined) this.#read.set(height, roots);
          else if (height >= from) throw missing(`directory block ${height}`);
        }),
      );
  }
}
