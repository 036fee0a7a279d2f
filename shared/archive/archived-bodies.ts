/** Bodies of deltas as if they were still rows: from the file of the block that they are booked into. */

import { type ArchiveFile, archiveFilesOf } from "../db/archive.ts";
import type { Db } from "../db/port.ts";
import { CodedError } from "../errors.ts";
import { type DeltaKey, readBlockFile } from "./block-file.ts";
import type { ArchiveStore } from "./store.ts";

/** Late work jumps between few blocks: so many files are kept, of some megabytes each. */
const KEPT_FILES = 4;
/** Heights whose rows are read together. */
const LISTED_BLOCKS = 500;

export class ArchivedBodies {
  readonly #db: Db;
  readonly #store: ArchiveStore | undefined;
  /** The one read last is the last. */
  readonly #files = new Map<number, ReadonlyMap<string, string>>();
  #listed: { readonly from: number; readonly rows: readonly ArchiveFile[] } | undefined;

  constructor(db: Db, store: ArchiveStore | undefined) {
    this.#db = db;
    this.#store = store;
  }

  /** Throws CodedErrors `archive-unknown` (no place is known), `archive-missing`, `archive-damaged`. */
  async bodyOf(delta: DeltaKey, intoJob: number): Promise<string> {
    const name = keyText(delta);
    for (const row of await this.#rowsOf(intoJob)) {
      if (!reaches(row, delta)) continue;
      const body = (await this.#read(row)).get(name);
      if (body !== undefined) return body;
      break;
    }
    throw new CodedError("archive-missing", `no file of the archive that is on record has its body`);
  }

  async #rowsOf(height: number): Promise<ArchiveFile[]> {
    const known = this.#listed;
    if (known === undefined || height < known.from || height >= known.from + LISTED_BLOCKS)
      this.#listed = { from: height, rows: await archiveFilesOf(this.#db, height, LISTED_BLOCKS) };
    return (this.#listed?.rows ?? []).filter((row) => row.height === height);
  }

  async #read(row: ArchiveFile): Promise<ReadonlyMap<string, string>> {
    const kept = this.#files.get(row.no);
    if (kept !== undefined) {
      this.#files.delete(row.no);
      this.#files.set(row.no, kept);
      return kept;
    }
    if (this.#store === undefined)
      throw new CodedError(
        "archive-unknown",
        "deltas of sealed blocks are in the archive, and it is not known where that is: set archive.folder",
      );
    const deltas = await readBlockFile(this.#store, row);
    const bodies = new Map(deltas.map((delta) => [keyText(delta), delta.body]));
    this.#files.set(row.no, bodies);
    const [oldest] = this.#files.keys();
    if (this.#files.size > KEPT_FILES && oldest !== undefined) this.#files.delete(oldest);
    return bodies;
  }
}

function keyText({ job, slot, epoch, seq }: DeltaKey): string {
  return `${job}/${slot}/${epoch}/${seq}`;
}

/** Whether the delta lies at or before the file's last one. */
function reaches({ lastJob, lastSlot, lastEpoch, lastSeq }: ArchiveFile, delta: DeltaKey): boolean {
  if (lastJob === null || lastSlot === null || lastEpoch === null || lastSeq === null) return false;
  if (delta.job !== lastJob) return delta.job < lastJob;
  if (delta.slot !== lastSlot) return delta.slot < lastSlot;
  if (delta.epoch !== lastEpoch) return BigInt(delta.epoch) < BigInt(lastEpoch);
  return delta.seq <= lastSeq;
}
