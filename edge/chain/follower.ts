/** Follows the chain: notices every new height, has it graded and booked once, and settles the next job (DESIGN.md, "Journal, deltas, edges"). */

import { type Clock, sleep } from "../../shared/clock.ts";
import { type BlockRow, latestBlock, type PlaceRow, writeBlock } from "../../shared/db/chain.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ChainBlock } from "./reader.ts";

export interface FollowerOptions {
  /** First height of a new database. */
  startHeight: number;
  /** Between two polls. */
  pollMs: number;
  /** After a failure. */
  retryMs: number;
  /** A block that the books do not show for so long is an alarm, whoever should book it. */
  patienceMs: number;
}

/** The chain lease: at most one edge holds it, and its epoch guards what is written. */
export interface ChainLease {
  /** The epoch while this edge holds it, taking or renewing it where it can; undefined otherwise. */
  hold(): Promise<bigint | undefined>;
}

export interface FollowerModules {
  db: Db;
  topHeight: () => Promise<number>;
  readBlock: (height: number) => Promise<ChainBlock>;
  /** Grades a block and works out its row; `previous` is the row below it, undefined at the start height. */
  grade: (
    block: ChainBlock,
    previous: BlockRow | undefined,
  ) => Promise<{ row: BlockRow; places: PlaceRow[] }>;
  lease: ChainLease;
  /** The job row on top of `block`, made or read. Without it blocks are booked only. */
  settleJob?: (block: BlockRow) => Promise<JobRow>;
  clock: Clock;
  logger: Logger;
}

/** What the rest of the edge is told. */
export interface FollowerEvents {
  /** A new top height: its job (the same height) is over. Called once a height, before its block is graded. */
  onHeight(height: number): void;
  /** The job to mine from now on. Called once a job. */
  onJob(job: JobRow): Promise<void>;
  /** The next job cannot be had yet. Called once per height and reason. */
  onNoJob(height: number, reason: string): void;
  /** A block was graded and booked by this edge. */
  onBlock(row: BlockRow): void;
}

export interface Follower {
  /** Polls until `signal` aborts. Never rejects: every failure is logged and tried again. */
  run(signal: AbortSignal): Promise<void>;
  topHeight(): number | undefined;
}

/** Failures that an operator has to look at; the others pass. */
const ALARMS: ReadonlySet<string> = new Set([
  "chain-forked",
  "chain-behind",
  "block-differs",
  "prices-future",
]);
const NOT_BOOKED = "the edge that holds the chain lease does not book this block: see its log";

export function createFollower(
  options: FollowerOptions,
  modules: FollowerModules,
  events: FollowerEvents,
): Follower {
  const { clock, logger } = modules;
  let top: number | undefined;
  let jobHeight: number | undefined;
  let complaint = "";
  /** Since when the books have no row of the node's top height, or one above it. */
  let waitingSinceMs: number | undefined;

  /** Says a problem once in a row, however often it is met. */
  const complain = (height: number, problem: string, alarm: boolean): void => {
    const text = `${height}: ${problem}`;
    if (text === complaint) return;
    complaint = text;
    logger[alarm ? "error" : "warn"]("the chain cannot be followed", { height, problem });
    if (jobHeight !== height + 1) events.onNoJob(height, problem);
  };

  const rise = (height: number): void => {
    if (top !== undefined && height <= top) return;
    top = height;
    events.onHeight(height);
  };

  const poll = async (): Promise<void> => {
    const seen = await modules.topHeight();
    // Nothing is booked again: what was graded stands, and mining goes on when the node is back where it was.
    if (top !== undefined && seen < top) throw behind(seen, `${top} was seen`);
    rise(seen);
    const last = await bookUpTo(seen, options, modules, events.onBlock);
    if (last?.height !== seen) return wait(seen, last);
    waitingSinceMs = undefined;
    if (jobHeight !== seen + 1) {
      const job = await modules.settleJob?.(last);
      if (job !== undefined) await events.onJob(job);
      jobHeight = seen + 1;
    }
    complaint = "";
  };

  /** Another edge books, or its node is ahead of this one's: nodes do not learn of a block at the same moment, but two blocks are too many. */
  const wait = (seen: number, last: BlockRow | undefined): void => {
    const isAhead = last !== undefined && last.height > seen;
    const ahead = behind(seen, `${last?.height} is booked`);
    if (isAhead && last.height > seen + 1) {
      rise(last.height);
      throw ahead;
    }
    waitingSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - waitingSinceMs < options.patienceMs) return;
    complain(seen, isAhead ? ahead.message : NOT_BOOKED, true);
  };

  return {
    topHeight: () => top,
    async run(signal) {
      while (!signal.aborted) {
        const pauseMs = await poll().then(
          () => options.pollMs,
          (thrown: unknown) => {
            const error = coerceError(thrown);
            const alarm = error instanceof CodedError && ALARMS.has(error.code);
            complain(top ?? options.startHeight, error.message, alarm);
            return options.retryMs;
          },
        );
        await sleep(clock, pauseMs, signal);
      }
    },
  };
}

function behind(seen: number, known: string): CodedError {
  return new CodedError("chain-behind", `factomd is at height ${seen}, but ${known}: see why it is behind`);
}

/**
 * Grades and books the blocks up to `to` where this edge holds the lease. Returns the newest row of the books: that of `to`, an older one while
 * another edge still works, a newer one where another edge knows more. Throws CodedError `chain-forked`.
 */
async function bookUpTo(
  to: number,
  { startHeight }: FollowerOptions,
  { db, lease, readBlock, grade }: FollowerModules,
  onBlock: FollowerEvents["onBlock"],
): Promise<BlockRow | undefined> {
  const epoch = await lease.hold();
  let last = await latestBlock(db);
  while (epoch !== undefined && (last === undefined || last.height < to)) {
    const height = last === undefined ? Math.min(startHeight, to) : last.height + 1;
    const block = await readBlock(height);
    if (last !== undefined && block.prevKeyMr !== last.keyMr) {
      throw new CodedError(
        "chain-forked",
        `block ${height} follows ${block.prevKeyMr}, but ${last.keyMr} is booked at ${last.height}: factomd is on another chain`,
      );
    }
    const { row, places } = await grade(block, last);
    if ((await lease.hold()) !== epoch) return last;
    await writeBlock(db, row, places, epoch);
    onBlock(row);
    last = row;
  }
  return last;
}
