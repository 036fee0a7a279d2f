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

/** The valid lines in the directory block at `height`, in their order; undefined: the node does not have that block. Rejects as the client does. */
export async function rootsInBlock(
  height: number,
  key: Uint8Array,
  factomd: RootReader,
): Promise<readonly PlacedRoot[] | undefined> {
  const directory = await factomd.dblockByHeight(height);
  if (directory === undefined) return undefined;
  const { chainId } = rootChainOf(key);
  const listed = directory.entryBlocks.find((one) => one.chainId === chainId);
  if (listed === undefined) return [];
  const block = await factomd.entryBlock(listed.keyMr);
  if (block === undefined) throw missing(`entry block ${listed.keyMr}`);
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

/** Directory blocks asked for at a time. */
const BLOCKS = 8;

/**
 * Looks for the root of block `height` in the directory blocks after it, `most` of them at most. The first valid line of a height counts,
 * so nothing before the one that is found can be skipped. Rejects as the client does.
 */
export async function findRoot(
  height: number,
  { keys, most }: { readonly keys: readonly Uint8Array[]; readonly most: number },
  factomd: RootReader & Pick<Factomd, "heights">,
): Promise<RootFinding> {
  const from = height + 1;
  const { directoryBlock } = await factomd.heights();
  const through = Math.min(directoryBlock, height + most);
  let first: PlacedRoot | undefined;
  const contradictions: PlacedRoot[] = [];
  for (let at = from; at <= through; at += BLOCKS) {
    const heights = Array.from({ length: Math.min(BLOCKS, through - at + 1) }, (_, i) => at + i);
    const blocks = await Promise.all(heights.map((one) => rootsOfAll(one, keys, factomd)));
    for (const root of blocks.flat().filter((one) => one.height === height)) {
      first ??= root;
      if (!isSameRoot(first, root)) contradictions.push(root);
    }
  }
  return { first, contradictions, from, through };
}

async function rootsOfAll(
  height: number,
  keys: readonly Uint8Array[],
  factomd: RootReader,
): Promise<PlacedRoot[]> {
  const read = await Promise.all(keys.map((key) => rootsInBlock(height, key, factomd)));
  return read.flatMap((roots) => {
    if (roots === undefined) throw missing(`directory block ${height}`);
    return roots;
  });
}
