/** Composes the entries of roots from sealed rows, by whoever has the receipt key, and keeps them for who sends (docs/proofs.md, "Roots on the chain"). */

import { toHex } from "../bytes.ts";
import type { Db } from "../db/port.ts";
import { keepRootEntry, unplacedRootEntries, unwrittenRoots } from "../db/root-entries.ts";
import type { KeyPair } from "../factom/ed25519.ts";
import { encodeEntry, entryHash } from "../factom/entry.ts";
import { type ChainRoot, fittingRoots, rootChainOf, signRootEntry } from "../proofs/root-entry.ts";
import { chainRootOf } from "./block-books.ts";

export interface ComposeOptions {
  /** The receipt key. */
  readonly signer: KeyPair;
  /** Blocks of an entry; more where it is behind, as many as fit. */
  readonly batch: number;
  /** Of the chain lease, where who composes holds it: once it is over nothing is kept. */
  readonly epoch?: bigint;
  /** True: no further block is read, and what was read is composed. */
  readonly isLate?: () => boolean;
}

/** Entries on their way at a time. */
export const UNPLACED = 8;
/** Blocks that an entry has room for, and a few more. */
const MOST_BLOCKS = 60;

/** Composes what is due; resolves to the number of entries. The chain must have been read to its end: what stands there is not written again. */
export async function composeRootEntries(
  db: Db,
  { signer, batch, epoch, isLate = () => false }: ComposeOptions,
): Promise<number> {
  let composed = 0;
  for (let waiting = (await unplacedRootEntries(db, UNPLACED)).length; waiting < UNPLACED; waiting++) {
    const heights = await unwrittenRoots(db, MOST_BLOCKS);
    if (heights.length < batch || isLate()) break;
    const blocks: ChainRoot[] = [];
    for (const height of heights) {
      const block = await chainRootOf(db, height);
      if (block === undefined) throw new Error(`block ${height} is not sealed any more`);
      blocks.push(block);
      if (isLate()) break;
    }
    const fitting = fittingRoots(blocks);
    const raw = encodeEntry(signRootEntry(fitting, signer));
    const [firstHeight = 0, lastHeight = 0] = [fitting[0]?.height, fitting.at(-1)?.height];
    const { chainId } = rootChainOf(signer.publicKey);
    const entry = { chainId, firstHeight, lastHeight, entryHash: entryHash(raw), raw: toHex(raw) };
    await keepRootEntry(db, entry, epoch);
    composed += 1;
  }
  return composed;
}
