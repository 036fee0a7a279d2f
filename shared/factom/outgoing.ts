/** The payments that given addresses made on the chain: FAT-2 batches that they signed, read block by block from factomd. */

import { encodeAddress, rcdHash } from "./address.ts";
import type { Factomd } from "./client.ts";
import { type Entry, TRANSACTION_CHAIN } from "./entry.ts";
import { type Fat2Batch, parseFat2Batch } from "./fat2-parse.ts";
import { missing } from "./missing.ts";

/** One entry by which an address paid. */
export interface OutgoingEntry {
  readonly entryHash: string;
  /** Of its block; undefined while it is on its way into one. */
  readonly height: number | undefined;
  readonly batch: Fat2Batch;
}

/** Calls to the node at a time. */
const PARALLEL = 8;
/** Blocks read at a time. */
const BLOCKS = 4;
const ENTRY_LANES = PARALLEL / BLOCKS;

/** `undefined` instead of entries: the node does not have the block. */
export interface BlockOutgoing {
  readonly height: number;
  readonly entries: readonly OutgoingEntry[] | undefined;
}

/**
 * The blocks `from` to `through` in their order, each with what `sources` paid in it. Entries that can never be executed (expired, badly
 * signed) are left out: they pay nothing. Rejects with the client's CodedErrors.
 */
export async function* outgoingOf(
  sources: ReadonlySet<string>,
  { from, through }: { readonly from: number; readonly through: number },
  factomd: Factomd,
): AsyncGenerator<BlockOutgoing> {
  for (let height = from; height <= through; height += BLOCKS) {
    const count = Math.min(BLOCKS, through - height + 1);
    const heights = Array.from({ length: count }, (_, i) => height + i);
    yield* await Promise.all(heights.map((one) => readBlock(sources, one, factomd)));
  }
}

async function readBlock(
  sources: ReadonlySet<string>,
  height: number,
  factomd: Factomd,
): Promise<BlockOutgoing> {
  const directory = await factomd.dblockByHeight(height);
  if (directory === undefined) return { height, entries: undefined };
  const listed = directory.entryBlocks.find(({ chainId }) => chainId === TRANSACTION_CHAIN);
  if (listed === undefined) return { height, entries: [] };
  const block = await factomd.entryBlock(listed.keyMr);
  if (block === undefined) throw missing(`entry block ${listed.keyMr}`);
  const entries: OutgoingEntry[] = [];
  for (let at = 0; at < block.entries.length; at += ENTRY_LANES) {
    const lane = block.entries.slice(at, at + ENTRY_LANES).map(async ({ hash, minute }) => {
      const entry = await factomd.entry(hash);
      if (entry === undefined) throw missing(`entry ${hash}`);
      const batch = paidBy(sources, entry, (directory.timestampMinutes + minute) * 60);
      return batch === undefined ? [] : [{ entryHash: hash, height, batch }];
    });
    entries.push(...(await Promise.all(lane)).flat());
  }
  return { height, entries };
}

/** The entry as a payment by one of the sources at that time (Unix seconds), undefined where it is none. */
export function paidBy(
  sources: ReadonlySet<string>,
  entry: Entry,
  timestampS: number,
): Fat2Batch | undefined {
  const rcd = entry.extIds[1];
  // This comes before the check of the signature, since most of the chain's entries are other people's.
  if (rcd === undefined || !sources.has(encodeAddress("FA", rcdHash(rcd)))) return undefined;
  const parsed = parseFat2Batch(entry, timestampS);
  return parsed.ok && sources.has(parsed.batch.source) ? parsed.batch : undefined;
}
