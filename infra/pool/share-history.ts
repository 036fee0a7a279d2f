/** What became of a share, from the journals of this pool's edges, for the pages (docs/decisions/share-story.md). */

import { findShares } from "../../edge/journal/find-shares.ts";
import { nodeDisk } from "../../edge/journal/node-disk.ts";
import type { RefusedShare, ShareHistory } from "../../functions/api/share-history.ts";
import { fromHex, toHex } from "../../shared/bytes.ts";
import { edgeFolders } from "./left-edges.ts";

export interface ShareHistoryOptions {
  /** The edges' folder. */
  readonly folder: string;
  readonly keepMs: number;
}

/** Refused shares of a nonce, the newest first. */
export type FindRefused = (nonce: string) => Promise<readonly RefusedShare[]>;

/** `refused` asks the edges. Undefined where nothing is kept. */
export function createShareHistory(
  { folder, keepMs }: ShareHistoryOptions,
  refused: FindRefused | undefined,
): ShareHistory | undefined {
  if (keepMs === 0) return undefined;
  // One search at a time: each reads all the files, some megabytes at once.
  let last: Promise<unknown> = Promise.resolve();
  const search = async (nonce: string): ReturnType<ShareHistory["find"]> => {
    const bytes = fromHex(nonce);
    const found = [];
    for (const edge of edgeFolders(folder)) found.push(...(await findShares(edge, bytes, nodeDisk)));
    return found.map(({ share, record, epoch, seq }) => ({
      ...{ ...share, record, seq, nonce: toHex(share.nonce) },
      epoch: epoch && { slot: epoch.slot, epoch: epoch.epoch },
    }));
  };
  return {
    keepMs,
    find(nonce) {
      const mine = last.then(() => search(nonce));
      last = mine.catch(() => undefined);
      return mine;
    },
    ...(refused && { refused }),
  };
}
