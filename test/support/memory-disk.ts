/** A disk in memory that forgets what was not synced, fills up, fails and dies at a chosen operation. */

import type { Disk, DiskFile } from "../../edge/journal/disk.ts";
import { CodedError } from "../../shared/errors.ts";

interface StoredFile {
  data: Uint8Array;
  /** What a power cut is sure to leave. */
  synced: Uint8Array;
  /** A sync failed: the system has dropped what was dirty, and later syncs of this file say yes without doing anything. */
  gaveUp?: boolean;
}

export type DiskOperation =
  | "append"
  | "sync"
  | "truncate"
  | "create"
  | "rename"
  | "remove"
  | "syncFolder"
  | "read"
  | "list"
  | "makeFolder"
  | "close";

export interface MemoryDisk extends Disk {
  /** Bytes that fit; what does not fit is written in part. */
  capacity: number;
  /** Operations done or refused so far. */
  operations(): number;
  /** The operation with this number (1 = the next) and all later ones reject; `partial` lets an append write this share of its bytes first. */
  dieAfter(operations: number, partial?: number): void;
  dead(): boolean;
  /** The next operation of this kind rejects once with `disk-failed`. */
  failNext(operation: DiskOperation): void;
  /** The next sync lasts until the returned function is called. */
  holdNextSync(): () => void;
  /**
   * What a new process finds. After `kill` the operating system has every write, synced or not; after `power` each file keeps what was
   * synced and a part of the rest chosen by `chance` (0 to 1), and the names are those of the last syncFolder or the newer ones, also by chance.
   */
  afterCrash(kind: "kill" | "power", chance?: () => number): MemoryDisk;
  files(): ReadonlyMap<string, Uint8Array>;
  /** Changes a file behind the program's back. */
  overwrite(path: string, data: Uint8Array): void;
}

export function memoryDisk(initial: ReadonlyMap<string, Uint8Array> = new Map()): MemoryDisk {
  const names = new Map([...initial].map(([path, data]) => [path, { data, synced: data }]));
  return diskOver(names, new Map(names));
}

function diskOver(names: Map<string, StoredFile>, durable: Map<string, StoredFile>): MemoryDisk {
  let durableNames = durable;
  let operations = 0;
  let deathAt = Number.POSITIVE_INFINITY;
  let partial = 0;
  const failures = new Set<DiskOperation>();
  let hold: Promise<void> | undefined;

  const enter = (operation: DiskOperation, path: string): void => {
    operations += 1;
    if (operations >= deathAt) throw new CodedError("disk-failed", `${path}: the process is dead`);
    if (failures.delete(operation))
      throw new CodedError("disk-failed", `${path}: injected ${operation} failure`);
  };
  const file = (path: string): StoredFile => {
    const found = names.get(path);
    if (found === undefined) throw new CodedError("disk-failed", `${path}: no such file`);
    return found;
  };
  const used = (): number => [...names.values()].reduce((sum, { data }) => sum + data.length, 0);

  const openFile = (path: string, stored: StoredFile): DiskFile => ({
    async append(bytes) {
      const room = Math.max(0, disk.capacity - used());
      try {
        enter("append", path);
      } catch (error) {
        if (operations === deathAt)
          stored.data = join(stored.data, bytes.slice(0, Math.floor(bytes.length * partial)));
        throw error;
      }
      stored.data = join(stored.data, bytes.slice(0, room));
      if (room < bytes.length)
        throw new CodedError("disk-full", `no room to write ${path}: free some space on its disk`);
    },
    async sync() {
      try {
        enter("sync", path);
      } catch (error) {
        stored.gaveUp = true;
        throw error;
      }
      const held = hold;
      hold = undefined;
      await held;
      if (stored.gaveUp !== true) stored.synced = stored.data;
    },
    async truncate(length) {
      enter("truncate", path);
      stored.data = stored.data.slice(0, length);
    },
    async close() {
      enter("close", path);
    },
  });

  const disk: MemoryDisk = {
    capacity: Number.POSITIVE_INFINITY,
    async makeFolder(path) {
      enter("makeFolder", path);
    },
    async list(folder) {
      enter("list", folder);
      const prefix = `${folder}/`;
      const inside = [...names.keys()].filter((path) => path.startsWith(prefix));
      return inside.map((path) => path.slice(prefix.length)).sort((a, b) => (a < b ? -1 : 1));
    },
    async read(path) {
      enter("read", path);
      return file(path).data.slice();
    },
    async create(path) {
      enter("create", path);
      const stored: StoredFile = { data: new Uint8Array(), synced: new Uint8Array() };
      names.set(path, stored);
      return openFile(path, stored);
    },
    async rename(from, to) {
      enter("rename", from);
      const stored = file(from);
      names.delete(from);
      names.set(to, stored);
    },
    async remove(path) {
      enter("remove", path);
      file(path);
      names.delete(path);
    },
    async syncFolder(path) {
      enter("syncFolder", path);
      durableNames = new Map(names);
    },
    operations: () => operations,
    dieAfter(count, share = 0) {
      deathAt = operations + count;
      partial = share;
    },
    dead: () => operations >= deathAt,
    failNext: (operation) => void failures.add(operation),
    holdNextSync() {
      const { promise, resolve } = Promise.withResolvers<void>();
      hold = promise;
      return resolve;
    },
    afterCrash(kind, chance = () => 1) {
      if (kind === "kill") {
        const copies = new Map<StoredFile, StoredFile>();
        const copy = (file: StoredFile): StoredFile => {
          const known = copies.get(file) ?? { ...file };
          copies.set(file, known);
          return known;
        };
        const copyAll = (files: Map<string, StoredFile>): Map<string, StoredFile> =>
          new Map([...files].map(([path, stored]) => [path, copy(stored)]));
        return diskOver(copyAll(names), copyAll(durableNames));
      }
      const kept = chance() < 0.5 ? durableNames : names;
      return memoryDisk(new Map([...kept].map(([path, stored]) => [path, afterPowerCut(stored, chance)])));
    },
    files: () => new Map([...names].map(([path, { data }]) => [path, data])),
    overwrite(path, data) {
      const stored = file(path);
      stored.data = data;
      stored.synced = data;
    },
  };
  return disk;
}

const SECTOR_BYTES = 64;

/** Synced bytes stay; of the others each sector is there or is zeroes, and the length is anything between. */
function afterPowerCut(stored: StoredFile, chance: () => number): Uint8Array {
  if (stored.data.length <= stored.synced.length) return chance() < 0.5 ? stored.data : stored.synced;
  const length =
    stored.synced.length +
    Math.floor((stored.data.length - stored.synced.length + 1) * Math.min(chance(), 0.999));
  const out = stored.data.slice(0, length);
  for (let at = stored.synced.length; at < length; at += SECTOR_BYTES)
    if (chance() < 0.5) out.fill(0, at, Math.min(length, at + SECTOR_BYTES));
  return out;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
