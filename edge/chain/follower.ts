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

export function createFollower(
  options: FollowerOptions,
  modules: FollowerModules,
  events: FollowerEvents,
): Follower {
  const { db, clock, logger } = modules;
  let top: number | undefined;
  let jobHeight: number | undefined;
  let complaint = "";

  /** Says a problem once, however often it is met. */
  const complain = (height: number, problem: string, alarm: boolean): void => {
    const text = `${height}: ${problem}`;
    if (text === complaint) return;
    complaint = text;
    logger[alarm ? "error" : "warn"]("the chain cannot be followed", { height, problem });
    if (jobHeight !== height + 1) events.onNoJob(height, problem);
  };

  const poll = async (): Promise<void> => {
    const seen = await modules.topHeight();
    if (top !== undefined && seen < top) {
      // Nothing is booked again: what was graded stands, and mining goes on when the node is back where it was.
      complain(top, `the node went back from height ${top} to ${seen}`, true);
      return;
    }
    if (top === undefined || seen > top) {
      top = seen;
      events.onHeight(seen);
    }
    if (jobHeight === seen + 1) {
      await modules.lease.hold();
      return;
    }
    const block = await catchUp(seen);
    if (block === undefined) return;
    const job = await modules.settleJob?.(block);
    if (job !== undefined) await events.onJob(job);
    jobHeight = block.height + 1;
    complaint = "";
  };

  /** Grades up to `to` when this edge may; the row of `to`, or undefined while another edge still works on it. */
  const catchUp = async (to: number): Promise<BlockRow | undefined> => {
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
      if ((await modules.lease.hold()) !== epoch) return undefined;
      await writeBlock(db, row, places, epoch);
      events.onBlock(row);
      last = row;
    }
    return last !== undefined && last.height === to ? last : undefined;
  };

  return {
    topHeight: () => top,
    async run(signal) {
      while (!signal.aborted) {
        const pauseMs = await poll().then(
          () => options.pollMs,
          (thrown: unknown) => {
            const error = coerceError(thrown);
            const alarm =
              error instanceof CodedError &&
              (error.code === "chain-forked" || error.code === "block-differs");
            complain(top ?? options.startHeight, error.message, alarm);
            return options.retryMs;
          },
        );
        await sleep(clock, pauseMs, signal);
      }
    },
  };
}
