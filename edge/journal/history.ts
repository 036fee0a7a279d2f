/**
 * Journal files that nothing needs any more, kept for a while so that a miner can ask what became of a share (docs/decisions/share-story.md). No
 * promise rests on them: whatever goes wrong here, a file is removed as if there were no history.
 */

import { basename, dirname, join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Disk } from "./disk.ts";

export interface HistoryOptions {
  /** The folder of the files. */
  readonly folder: string;
  /** How long after a file was freed it is kept. */
  readonly keepMs: number;
  /** Of all files together; the oldest go first. */
  readonly maxBytes: number;
}

interface Kept {
  readonly name: string;
  readonly freedMs: number;
  readonly bytes: number;
}

/** When it was freed, its number, its bytes: in the order of the journal. */
const NAME = /^(\d{13})-\d{8}-(\d{1,10})\.journal$/;

/** The folder beside an edge's journal. */
export function historyFolder(edgeFolder: string): string {
  return join(edgeFolder, "history");
}

export class JournalHistory {
  readonly #options: HistoryOptions;
  readonly #modules: { readonly disk: Disk; readonly clock: Clock; readonly logger: Logger };
  /** The oldest first. */
  #kept: Kept[] | undefined;

  constructor(options: HistoryOptions, modules: { disk: Disk; clock: Clock; logger: Logger }) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Takes a file out of the journal; its folder is the caller's to make durable. Rejects where it could not even be removed. */
  async take(path: string, bytes: number): Promise<void> {
    const { disk, clock, logger } = this.#modules;
    const { folder, maxBytes } = this.#options;
    if (bytes > maxBytes) return disk.remove(path);
    const freedMs = Math.max(0, Math.floor(clock.wallMs()));
    const segment = basename(path);
    const name = `${String(freedMs).padStart(13, "0")}-${basename(path, ".journal")}-${bytes}.journal`;
    try {
      const kept = await this.#files();
      await disk.rename(path, join(folder, name));
      kept.push({ name, freedMs, bytes });
      await this.#prune(maxBytes);
    } catch (thrown) {
      logger.warn("a journal file could not be kept for the history of shares", {
        error: coerceError(thrown).message,
      });
      // It may have gone to the history already.
      if ((await disk.list(dirname(path))).includes(segment)) await disk.remove(path);
    }
  }

  /** Gives its room to the journal. Never rejects. */
  async clear(): Promise<void> {
    await this.#prune(0).catch(() => undefined);
  }

  async #prune(maxBytes: number): Promise<void> {
    const { disk, clock } = this.#modules;
    const kept = await this.#files();
    const oldestMs = clock.wallMs() - this.#options.keepMs;
    let bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
    for (let oldest = kept[0]; oldest !== undefined; oldest = kept[0]) {
      if (bytes <= maxBytes && oldest.freedMs >= oldestMs) return;
      await disk.remove(join(this.#options.folder, oldest.name));
      // Another run may have been quicker.
      if (kept[0] === oldest) kept.shift();
      bytes -= oldest.bytes;
    }
  }

  async #files(): Promise<Kept[]> {
    if (this.#kept !== undefined) return this.#kept;
    const { folder } = this.#options;
    await this.#modules.disk.makeFolder(folder);
    this.#kept = (await this.#modules.disk.list(folder)).flatMap((name) => {
      const [, freedMs, bytes] = NAME.exec(name) ?? [];
      return freedMs === undefined ? [] : [{ name, freedMs: Number(freedMs), bytes: Number(bytes) }];
    });
    return this.#kept;
  }
}
