/** Reads a block of the chain off factomd: the directory block, the OPR entry block in it, and every entry. */

import { CodedError } from "../../shared/errors.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { OPR_CHAIN } from "../../shared/factom/entry.ts";

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

/** Entries asked for at a time. */
const PARALLEL = 8;

/** Reads the block at `height`. Throws what the client throws, or `factomd-reply` for what it should have; the caller tries again. */
export async function readChainBlock(factomd: Factomd, height: number): Promise<ChainBlock> {
  const directory = present(await factomd.dblockByHeight(height), `directory block ${height}`);
  const listed = directory.entryBlocks.find((one) => one.chainId === OPR_CHAIN);
  const hashes = listed === undefined ? [] : await entryHashes(factomd, listed.keyMr);
  const entries: ChainEntry[] = [];
  for (let at = 0; at < hashes.length; at += PARALLEL) {
    const batch = hashes.slice(at, at + PARALLEL);
    entries.push(...(await Promise.all(batch.map((hash) => readEntry(factomd, hash)))));
  }
  return {
    height,
    keyMr: directory.keyMr,
    prevKeyMr: directory.prevKeyMr,
    timestamp: directory.timestampMinutes * 60,
    entries,
  };
}

async function entryHashes(factomd: Factomd, keyMr: string): Promise<string[]> {
  const block = present(await factomd.entryBlock(keyMr), `entry block ${keyMr}`);
  return block.entries.map((entry) => entry.hash);
}

async function readEntry(factomd: Factomd, entryHash: string): Promise<ChainEntry> {
  const { extIds, content } = present(await factomd.entry(entryHash), `entry ${entryHash}`);
  return { entryHash, extIds, content };
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new CodedError(
    "factomd-reply",
    `factomd lists ${what} but does not have it yet: it may still be syncing`,
  );
}
