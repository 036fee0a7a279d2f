/** Entries by their hash, so that none is asked for twice: read before a failure, or sent by this pool itself. */

import { type Entry, entryHash, parseEntry, rawEntryLength } from "../../shared/factom/entry.ts";

export interface EntryCache {
  get(hash: string): Entry | undefined;
  /** `entry` hashes to `hash`: the factomd client has checked it. The oldest go where there is no room. */
  add(hash: string, entry: Entry): void;
  /** A raw entry that is known otherwise, for example because this pool sent it. Bytes that are no entry are left alone. */
  know(raw: Uint8Array): void;
}

/** What an entry takes in memory beside its bytes. */
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
