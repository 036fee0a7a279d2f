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
const ALARMS: ReadonlySet<string> = new Set(["chain-forked", "chain-behind", "block-differs"]);
const NOT_BOOKED = "the edge that holds the chain lease does not book this block: see its log";

function behind(seen: number, known: string): CodedError {
  return new CodedError("chain-behind", `factomd is at height ${seen}, but ${known}: see why it is behind`);
}

export function createFollower(
  options: FollowerOptions,
  modules: FollowerModules,
  events: FollowerEvents,
): Follower {
  const { db, clock, logger } = modules;
  let top: number | undefined;
  let jobHeight: number | undefined;
  let complaint = "";
  /** Since when the books lack the row of the top height. */
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
    const hasJob = jobHeight === seen + 1;
    const block = hasJob ? await watchBooks(seen) : await catchUp(seen);
    if (typeof block === "string") {
      waitingSinceMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - waitingSinceMs >= options.patienceMs) complain(seen, block, true);
      return;
    }
    waitingSinceMs = undefined;
    if (block !== undefined) {
      const job = await modules.settleJob?.(block);
      if (job !== undefined) await events.onJob(job);
      jobHeight = block.height + 1;
    }
    complaint = "";
  };

  /** While the job is mined: another edge may book blocks that this one's node does not know. */
  const watchBooks = async (seen: number): Promise<string | undefined> => {
    await modules.lease.hold();
    const last = await latestBlock(db);
    return last === undefined || last.height <= seen ? undefined : isAhead(seen, last);
  };

  /** Grades up to `to` when this edge may; the row of `to`, or why it has to be waited for. */
  const catchUp = async (to: number): Promise<BlockRow | string> => {
    const epoch = await modules.lease.hold();
    let last = await latestBlock(db);
    while (epoch !== undefined && (last === undefined || last.height < to)) {
      const height = last === undefined ? Math.min(options.startHeight, to) : last.height + 1;
      const block = await modules.readBlock(height);
      if (last !== undefined && block.prevKeyMr !== last.keyMr) {
        throw new CodedError(
          "chain-forked",
          `block ${height} follows ${block.prevKeyMr}, but ${last.keyMr} is booked at ${last.height}: factomd is on another chain`,
        );
      }
      const { row, places } = await modules.grade(block, last);
      if ((await modules.lease.hold()) !== epoch) return NOT_BOOKED;
      await writeBlock(db, row, places, epoch);
      events.onBlock(row);
      last = row;
    }
    if (last === undefined || last.height < to) return NOT_BOOKED;
    return last.height === to ? last : isAhead(to, last);
  };

  /** The edges' nodes do not learn of a block at the same moment; two blocks are too many. */
  const isAhead = (seen: number, last: BlockRow): string => {
    const problem = behind(seen, `${last.height} is booked`);
    if (last.height === seen + 1) return problem.message;
    rise(last.height);
    throw problem;
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
