/** Grades and books the blocks that are missing in the books, one after the other, while this edge holds the chain lease. */

import { type Clock, sleep } from "../../shared/clock.ts";
import { type BlockRow, latestBlock, type PlaceRow, writeBlock } from "../../shared/db/blocks.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { ChainBlock } from "./reader.ts";

/** The chain lease: at most one edge holds it, and its epoch guards what is written. */
export interface ChainLease {
  /** Takes the lease or renews it where that is possible. Resolves to the epoch while this edge holds it, otherwise to undefined. */
  hold(): Promise<bigint | undefined>;
}

export interface BookingOptions {
  /** First height of a new database. */
  startHeight: number;
  /** How often the lease is renewed while a block is read and graded. */
  pollMs: number;
}

export interface BookingModules {
  db: Db;
  readBlock: (height: number, signal: AbortSignal) => Promise<ChainBlock>;
  /** Grades a block and works out its row; `previous` is the row below it, undefined at the start height. */
  grade: (
    block: ChainBlock,
    previous: BlockRow | undefined,
  ) => Promise<{ row: BlockRow; places: PlaceRow[] }>;
  lease: ChainLease;
  clock: Clock;
}

/**
 * Books the blocks up to height `to()`, which may rise meanwhile; undefined means that nothing can be read now. Returns the newest row of the
 * books: that of `to()`, an older one while another edge is still working, or a newer one if another edge knows more. Do not call it again
 * before it has resolved.
 * Throws CodedError `chain-forked`.
 */
export async function bookUpTo(
  to: () => number | undefined,
  { startHeight, pollMs }: BookingOptions,
  { db, lease, clock, readBlock, grade }: BookingModules,
  onBlock: (row: BlockRow) => void,
  signal: AbortSignal,
): Promise<BlockRow | undefined> {
  const epoch = to() === undefined ? undefined : await lease.hold();
  let last = await latestBlock(db);
  for (;;) {
    const top = to();
    if (epoch === undefined || top === undefined || signal.aborted) return last;
    if (last !== undefined && last.height >= top) return last;
    const height: number = last === undefined ? Math.min(startHeight, top) : last.height + 1;
    const previous: BlockRow | undefined = last;
    const { row, places } = await holding(lease, pollMs, clock, async () => {
      const block = await readBlock(height, signal);
      if (previous !== undefined && block.prevKeyMr !== previous.keyMr) {
        throw new CodedError(
          "chain-forked",
          `block ${height} follows ${block.prevKeyMr}, but ${previous.keyMr} is booked at ${previous.height}: factomd is on another chain`,
        );
      }
      return grade(block, previous);
    });
    if ((await lease.hold()) !== epoch) return last;
    await writeBlock(db, row, places, epoch);
    onBlock(row);
    last = row;
  }
}

/** Renews the lease while `work` lasts. Otherwise two edges with slow nodes would take it from each other for ever, and neither would book. */
async function holding<T>(
  lease: ChainLease,
  everyMs: number,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const renew = async (): Promise<void> => {
    await sleep(clock, everyMs, done.signal);
    while (!done.signal.aborted) {
      // If the lease is lost or the database is away, that shows when the block is written.
      await lease.hold().catch(() => undefined);
      await sleep(clock, everyMs, done.signal);
    }
  };
  const renewing = renew();
  try {
    return await work();
  } finally {
    done.abort();
    await renewing;
  }
}
