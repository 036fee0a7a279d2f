/** Follows the chain: notices every new height, has it graded and booked once, and settles the next job (DESIGN.md, "Journal, deltas, edges"). */

import { type Clock, sleep } from "../../shared/clock.ts";
import { type BlockRow, latestBlock } from "../../shared/db/chain.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { type BookingModules, type BookingOptions, bookUpTo } from "./booking.ts";
import { createStallWatch } from "./stall-watch.ts";

export interface FollowerOptions extends BookingOptions {
  /** First height of a new database. */
  startHeight: number;
  /** Between two polls of the node's height, and between two looks at the books. */
  pollMs: number;
  /** After a failure. */
  retryMs: number;
  /** A block that the books do not show for so long is an alarm, whoever should book it. */
  patienceMs: number;
  /** No new height for so long: the chain stands still. */
  stalledAfterMs: number;
}

export interface FollowerModules extends BookingModules {
  topHeight: () => Promise<number>;
  /** The job row on top of `block`, made or read. Without it blocks are booked only. */
  settleJob?: (block: BlockRow) => Promise<JobRow>;
  clock: Clock;
  logger: Logger;
}

/** What the rest of the edge is told. */
export interface FollowerEvents {
  /**
   * A new top height, of this edge's node or of the books: its job (the same height) is over. Called once a height, the moment it is known:
   * before its block is read, and also while an `onJob` is still at work, whose job may be over then.
   */
  onHeight(height: number): void;
  /** The job to mine from now on. Called once a job, and never for a height that is known to be saved. */
  onJob(job: JobRow): Promise<void>;
  /** The next job cannot be had yet. Called once per height and reason. */
  onNoJob(height: number, reason: string): void;
  /** A block was graded and booked by this edge. */
  onBlock(row: BlockRow): void;
  /** `height` is the newest for `stalledAfterMs`: the chain stands still, or no node answers. Once; the next onHeight ends it. */
  onStalled?(height: number): void;
}

export interface Follower {
  /** Follows until `signal` aborts. Never rejects: every failure is logged and tried again. */
  run(signal: AbortSignal): Promise<void>;
  /** The newest height that the node or the books have shown. */
  topHeight(): number | undefined;
  /** The node has shown this height in another answer. */
  learn(height: number): void;
  /** When the newest height was learnt, by the monotonic clock; undefined before the first. */
  lastHeightAtMs(): number | undefined;
}

/** Block periods without a block: the chain stands still. */
const STALLED_BLOCKS = 3;

/** `stalledAfterMs` of a network. */
export function stalledAfterMs(blockMs: number): number {
  return STALLED_BLOCKS * blockMs;
}

/** Failures that an operator has to look at; the others pass. */
const ALARMS: ReadonlySet<string> = new Set(["chain-forked", "chain-behind", "block-differs"]);
const NOT_BOOKED = "the edge that holds the chain lease does not book this block: see its log";

/**
 * Two loops: one asks the node for its height, however long reading and grading take; the other books and settles, one block at a time, so
 * that none is graded twice at once.
 */
export function createFollower(
  options: FollowerOptions,
  modules: FollowerModules,
  events: FollowerEvents,
): Follower {
  const { clock, logger } = modules;
  const stall = createStallWatch({ afterMs: options.stalledAfterMs }, modules, (height) =>
    events.onStalled?.(height),
  );
  /** The newest height known. */
  let top: number | undefined;
  /** The highest that the node has shown. */
  let nodeTop: number | undefined;
  /** The node answered the last poll, with no less than before: what it has can be booked. */
  let isNodeFit = false;
  let jobHeight: number | undefined;
  /** Since when the books have no row of the node's top height, or one above it. */
  let waitingSinceMs: number | undefined;
  /** Ends the pause of the loop that works. */
  let wake = new AbortController();

  const rise = (height: number): void => {
    if (top !== undefined && height <= top) return;
    top = height;
    stall.rose(height);
    events.onHeight(height);
  };

  const learn = (height: number): void => {
    if (nodeTop !== undefined && height <= nodeTop) return;
    nodeTop = height;
    rise(height);
    wake.abort();
  };

  const complain = (told: Told, problem: string, alarm: boolean): void => {
    const height = top ?? options.startHeight;
    if (!told.isNew(`${height}: ${problem}`)) return;
    logger[alarm ? "error" : "warn"]("the chain cannot be followed", { height, problem });
    if (jobHeight !== height + 1) events.onNoJob(height, problem);
  };

  const poll = async (): Promise<void> => {
    // What was known before the call: answers may overtake each other.
    const known = nodeTop;
    const seen = await modules.topHeight();
    // Nothing is booked again: what was graded stands, and mining goes on when the node is back where it was.
    if (known !== undefined && seen < known) throw behind(seen, `${known} was seen`);
    isNodeFit = true;
    learn(seen);
  };

  const work = async (told: Told, signal: AbortSignal): Promise<void> => {
    const booked = await latestBlock(modules.db);
    // A block booked by any edge ends its job on all.
    if (booked !== undefined) rise(booked.height);
    const to = (): number | undefined => (isNodeFit ? nodeTop : undefined);
    if (to() === undefined) return;
    const last = await bookUpTo(to, options, modules, events.onBlock, signal);
    if (last !== undefined) rise(last.height);
    const seen = to();
    if (seen === undefined || signal.aborted) return;
    if (last?.height !== seen) return wait(told, seen, last);
    waitingSinceMs = undefined;
    if (jobHeight !== last.height + 1) {
      const job = await modules.settleJob?.(last);
      // Another block may have been saved meanwhile.
      if (last.height !== top || signal.aborted) return;
      if (job !== undefined) await events.onJob(job);
      jobHeight = last.height + 1;
    }
    told.end();
  };

  /** Another edge books, or its node is ahead of this one's: nodes do not learn of a block at the same moment, but two blocks are too many. */
  const wait = (told: Told, seen: number, last: BlockRow | undefined): void => {
    const isAhead = last !== undefined && last.height > seen;
    const ahead = behind(seen, `${last?.height} is booked`);
    if (isAhead && last.height > seen + 1) throw ahead;
    waitingSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - waitingSinceMs < options.patienceMs) return;
    complain(told, isAhead ? ahead.message : NOT_BOOKED, true);
  };

  /** Resolves to the pause after `round`. */
  const pauseAfter = (round: Promise<void>, told: Told, signal: AbortSignal): Promise<number> =>
    round.then(
      () => options.pollMs,
      (thrown: unknown) => {
        const error = coerceError(thrown);
        const alarm = error instanceof CodedError && ALARMS.has(error.code);
        if (!signal.aborted) complain(told, error.message, alarm);
        return options.retryMs;
      },
    );

  const watchNode = async (signal: AbortSignal): Promise<void> => {
    const told = createTold();
    while (!signal.aborted) {
      const round = poll().then(told.end, (thrown: unknown) => {
        isNodeFit = false;
        throw thrown;
      });
      await sleep(clock, await pauseAfter(round, told, signal), signal);
    }
  };

  const workOn = async (signal: AbortSignal): Promise<void> => {
    const told = createTold();
    while (!signal.aborted) {
      wake = new AbortController();
      const pauseMs = await pauseAfter(work(told, signal), told, signal);
      await sleep(clock, pauseMs, wake.signal);
    }
  };

  return {
    learn,
    topHeight: () => top,
    lastHeightAtMs: () => stall.lastAtMs(),
    async run(signal) {
      const stop = (): void => {
        stall.stop();
        wake.abort();
      };
      signal.addEventListener("abort", stop, { once: true });
      await Promise.all([watchNode(signal), workOn(signal)]);
    },
  };
}

/** What was said last: a problem is told once in a row, however often it is met. */
interface Told {
  isNew(text: string): boolean;
  end(): void;
}

function createTold(): Told {
  let last = "";
  return {
    isNew(text) {
      const isNew = text !== last;
      last = text;
      return isNew;
    },
    end() {
      last = "";
    },
  };
}

function behind(seen: number, known: string): CodedError {
  return new CodedError("chain-behind", `factomd is at height ${seen}, but ${known}: see why it is behind`);
}
