/** A process's disk in the simulator: every operation takes time, and the process may die before, in or after any of them. */

import type { Disk, DiskFile } from "../../../edge/journal/disk.ts";
import type { MemoryDisk } from "../../support/memory-disk.ts";
import type { Chance } from "../../support/random.ts";
import type { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";

export interface SimDiskModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly process: SimProcess;
  readonly inner: MemoryDisk;
  /** How long a sync takes, on the whole. */
  readonly syncMs: number;
  /** Called when the operation chosen by `killAt` begins. */
  readonly onKillPoint: () => void;
}

interface Pending {
  readonly run: () => Promise<unknown>;
  readonly isAppend: boolean;
}

/** Most operations are quick, but for a sync; sometimes one takes many milliseconds. */
const SLOW_MS = 400;

export class SimDisk {
  readonly inner: MemoryDisk;
  readonly disk: Disk;
  /** The process dies when this many more operations have begun. */
  killAt = Number.POSITIVE_INFINITY;
  #operations = 0;
  readonly #pending = new Set<Pending>();
  readonly #modules: SimDiskModules;

  constructor(modules: SimDiskModules) {
    this.#modules = modules;
    this.inner = modules.inner;
    const { inner } = modules;
    this.disk = {
      makeFolder: (path) => this.#operate(() => inner.makeFolder(path)),
      list: (folder) => this.#operate(() => inner.list(folder)),
      read: (path) => this.#operate(() => inner.read(path)),
      create: (path) => this.#operate(() => inner.create(path)).then((file) => this.#file(file)),
      rename: (from, to) => this.#operate(() => inner.rename(from, to)),
      remove: (path) => this.#operate(() => inner.remove(path)),
      syncFolder: (path) => this.#operate(() => inner.syncFolder(path), 3),
    };
  }

  operations(): number {
    return this.#operations;
  }

  /** The process is dead: what it had asked of the disk was done, done in part, or not done. */
  async abandon(): Promise<void> {
    const { chance, inner } = this.#modules;
    for (const pending of [...this.#pending]) {
      if (chance.hit(0.5)) continue;
      if (pending.isAppend && chance.hit(0.7)) inner.dieAfter(1, chance.unit());
      await pending.run().catch(() => undefined);
      if (inner.dead()) return;
    }
  }

  #file(file: DiskFile): DiskFile {
    return {
      append: (bytes) => this.#operate(() => file.append(bytes), 0.2, true),
      sync: () => this.#operate(() => file.sync(), this.#modules.syncMs),
      truncate: (length) => this.#operate(() => file.truncate(length)),
      close: () => this.#operate(() => file.close()),
    };
  }

  #operate<T>(run: () => Promise<T>, typicalMs = 0.2, isAppend = false): Promise<T> {
    const { time, chance, process, onKillPoint } = this.#modules;
    this.#operations += 1;
    this.killAt -= 1;
    const pending = { run, isAppend };
    if (process.alive) this.#pending.add(pending);
    if (this.killAt === 0) onKillPoint();
    const takesMs = chance.hit(0.01) ? chance.between(0, SLOW_MS) : chance.between(0, 2 * typicalMs);
    return process.wait((resolve, reject) => {
      time.after(takesMs, () => {
        // Dead, and settled by `abandon`.
        if (!process.alive) return;
        this.#pending.delete(pending);
        run().then(resolve, reject);
      });
    });
  }
}
