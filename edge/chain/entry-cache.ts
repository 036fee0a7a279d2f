/** Entries by their hash. An entry that was read before a failure, or that this pool sent itself, need not be asked for again. */

import { type Entry, entryHash, parseEntry, rawEntryLength } from "../../shared/factom/entry.ts";

export interface EntryCache {
  get(hash: string): Entry | undefined;
  /** `entry` hashes to `hash`: the factomd client has checked it. When there is no room, the oldest entries are dropped. */
  add(hash: string, entry: Entry): void;
  /** Adds a raw entry that did not come from the node, for example because this pool sent it. Bytes that are not an entry are ignored. */
  know(raw: Uint8Array): void;
}

/** Memory that an entry takes in addition to its bytes. */
const OVERHEAD_BYTES = 500;

export function createEntryCache(limitBytes: number): EntryCache {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const size = (entry: Entry): number => rawEntryLength(entry) + OVERHEAD_BYTES;
  const add = (hash: string, entry: Entry): void => {
    if (entries.has(hash)) return;
    entries.set(hash, entry);
    bytes += size(entry);
    for (const [oldest, dropped] of entries) {
      if (bytes <= limitBytes) break;
      entries.delete(oldest);
      bytes -= size(dropped);
    }
  };
  return {
    get: (hash) => entries.get(hash),
    add,
    know(raw) {
      const parsed = parseEntry(raw);
      if (parsed.ok) add(entryHash(raw), parsed.entry);
    },
  };
}
