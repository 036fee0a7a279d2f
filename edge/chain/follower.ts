/** Follows the chain: notices every new height, has it graded and booked once, and settles the next job (docs/design.md, "Following the chain"). */

import { type Clock, sleep } from "../../shared/clock.ts";
import { type BlockRow, latestBlock } from "../../shared/db/blocks.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { type BookingModules, type BookingOptions, bookUpTo } from "./booking.ts";

export interface FollowerOptions extends BookingOptions {
  /** First height of a new database. */
  startHeight: number;
  /** Between two polls of the node's height, and between two looks at the books. */
  pollMs: number;
  /** Pause after a failure. */
  retryMs: number;
  /** A block that the books lack for this long is an alarm, whichever edge should book it. */
  patienceMs: number;
  /** A job that cannot be made for this long (`no-prices`, `no-record`) is an alarm: a block goes by without us. */
  joblessMs: number;
}

export interface FollowerModules extends BookingModules {
  topHeight: () => Promise<number>;
  /** Makes or reads the job row on top of `block`. Without this function blocks are only booked. */
  makeJob?: (block: BlockRow) => Promise<JobRow>;
  clock: Clock;
  logger: Logger;
}

/** What the rest of the edge is told. */
export interface FollowerEvents {
  /**
   * There is a new top height, of this edge's node or of the books: its job (the same height) is over. Called once for each height, at the moment
   * it is known and before its block is read. This may happen while an `onJob` is still running, and the job of that call may be the one that is over.
   */
  onHeight(height: number): void;
  /** The job to mine from now on. Called once a job, and never for a height that is known to be saved. */
  onJob(job: JobRow): Promise<void>;
  /** The next job cannot be had yet. Called once per height and reason. */
  onNoJob(height: number, reason: string): void;
  /** A block was graded and booked by this edge. */
  onBlock(row: BlockRow): void;
}

export interface Follower {
  /** Follows until `signal` aborts. Never rejects: every failure is logged and tried again. */
  run(signal: AbortSignal): Promise<void>;
  /** The newest height that the node or the books have shown. */
  topHeight(): number | undefined;
  /** Time since the slower of its two loops ended a round, well or not; 0 before `run`. Both end one every few seconds, whatever the node answers. */
  sinceRoundMs(): number;
  /** The node has shown this height in another answer. */
  learn(height: number): void;
}

/** Failures that an operator must look at; all others end by themselves. */
const ALARMS: ReadonlySet<string> = new Set([
  "chain-forked",
  "chain-behind",
  "block-differs",
  "prices-future",
]);
/** Failures that end by themselves as a rule, and are alarms when they last for a block. */
const JOBLESS: ReadonlySet<string> = new Set(["no-prices", "no-record"]);
const NOT_BOOKED = "the edge that holds the chain lease does not book this block: see its log";

export function createFollower(
  options: FollowerOptions,
  modules: FollowerModules,
  events: FollowerEvents,
): Follower {
  return new ChainFollower(options, modules, events);
}

/**
 * Two loops. One asks the node for its height, however long reading and grading take. The other books blocks and makes jobs, one block at
 * a time, so that no block is graded twice at once.
 */
class ChainFollower implements Follower {
  readonly #options: FollowerOptions;
  readonly #modules: FollowerModules;
  readonly #events: FollowerEvents;
  /** The newest height known. */
  #top: number | undefined;
  /** The highest that the node has shown. */
  #nodeTop: number | undefined;
  /** The node answered the last poll, and its height did not go down: the blocks that it has can be booked. */
  #isNodeFit = false;
  #jobHeight: number | undefined;
  /** When each loop last ended a round, monotonic; undefined before `run`. */
  #rounds: { watch: number; work: number } | undefined;
  /** Since when the books have had no row of the node's top height or of a higher one. */
  #waitingSinceMs: number | undefined;
  /** Since when no job could be made for want of prices or of a record. */
  #joblessSinceMs: number | undefined;
  /** Ends the pause of the loop that books. */
  #wake = new AbortController();

  constructor(options: FollowerOptions, modules: FollowerModules, events: FollowerEvents) {
    this.#options = options;
    this.#modules = modules;
    this.#events = events;
  }

  topHeight(): number | undefined {
    return this.#top;
  }

  sinceRoundMs(): number {
    const { clock } = this.#modules;
    return this.#rounds === undefined
      ? 0
      : clock.monotonicMs() - Math.min(this.#rounds.watch, this.#rounds.work);
  }

  learn(height: number): void {
    if (this.#nodeTop !== undefined && height <= this.#nodeTop) return;
    this.#nodeTop = height;
    this.#rise(height);
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#wake.abort();
    signal.addEventListener("abort", stop, { once: true });
    const nowMs = this.#modules.clock.monotonicMs();
    const rounds = { watch: nowMs, work: nowMs };
    this.#rounds = rounds;
    await Promise.all([this.#watchNode(rounds, signal), this.#workOn(rounds, signal)]);
  }

  async #watchNode(rounds: { watch: number }, signal: AbortSignal): Promise<void> {
    const told = createTold();
    while (!signal.aborted) {
      const pauseMs = await this.#pauseAfter(this.#poll(told), told, signal);
      rounds.watch = this.#modules.clock.monotonicMs();
      await sleep(this.#modules.clock, pauseMs, signal);
    }
  }

  async #workOn(rounds: { work: number }, signal: AbortSignal): Promise<void> {
    const told = createTold();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const pauseMs = await this.#pauseAfter(this.#work(told, signal), told, signal);
      rounds.work = this.#modules.clock.monotonicMs();
      await sleep(this.#modules.clock, pauseMs, this.#wake.signal);
    }
  }

  #pauseAfter(round: Promise<void>, told: Told, signal: AbortSignal): Promise<number> {
    return round.then(
      () => this.#options.pollMs,
      (thrown: unknown) => {
        const error = coerceError(thrown);
        const alarm = error instanceof CodedError && (ALARMS.has(error.code) || this.#isJobless(error.code));
        if (!signal.aborted) this.#complain(told, error.message, alarm);
        return this.#options.retryMs;
      },
    );
  }

  async #poll(told: Told): Promise<void> {
    // What was known before the call: answers may overtake each other.
    const known = this.#nodeTop;
    const seen = await this.#modules.topHeight().catch((thrown: unknown) => {
      this.#isNodeFit = false;
      throw thrown;
    });
    this.#isNodeFit = known === undefined || seen >= known;
    // Nothing is booked again: graded blocks stay as they are, and mining goes on when the node is back at its former height.
    if (!this.#isNodeFit) throw behind(seen, `${known} was seen`);
    told.end();
    this.learn(seen);
  }

  async #work(told: Told, signal: AbortSignal): Promise<void> {
    const booked = await latestBlock(this.#modules.db);
    // A block booked by any edge ends its job on all.
    if (booked !== undefined) this.#rise(booked.height);
    const to = (): number | undefined => (this.#isNodeFit ? this.#nodeTop : undefined);
    if (to() === undefined) return;
    const last = await bookUpTo(to, this.#options, this.#modules, this.#events.onBlock, signal);
    if (last !== undefined) this.#rise(last.height);
    const seen = to();
    if (seen === undefined || signal.aborted) return;
    if (last?.height !== seen) {
      this.#wait(told, seen, last);
      return;
    }
    this.#waitingSinceMs = undefined;
    if (this.#jobHeight !== last.height + 1 && !(await this.#nextJob(last, signal))) return;
    told.end();
  }

  /** Makes and announces the job on top of `last`; false when another block was saved meanwhile. */
  async #nextJob(last: BlockRow, signal: AbortSignal): Promise<boolean> {
    const job = await this.#modules.makeJob?.(last);
    if (last.height !== this.#top || signal.aborted) return false;
    this.#joblessSinceMs = undefined;
    if (job !== undefined) await this.#events.onJob(job);
    this.#jobHeight = last.height + 1;
    return true;
  }

  /**
   * Another edge books this block, or its node is ahead of this one's. Nodes do not all learn of a block at the same moment, but two blocks
   * behind are too many.
   */
  #wait(told: Told, seen: number, last: BlockRow | undefined): void {
    const isAhead = last !== undefined && last.height > seen;
    const ahead = behind(seen, `${last?.height} is booked`);
    if (isAhead && last.height > seen + 1) throw ahead;
    const nowMs = this.#modules.clock.monotonicMs();
    this.#waitingSinceMs ??= nowMs;
    if (nowMs - this.#waitingSinceMs < this.#options.patienceMs) return;
    this.#complain(told, isAhead ? ahead.message : NOT_BOOKED, true);
  }

  /** Whether it has been so for a block by now. */
  #isJobless(code: string): boolean {
    if (!JOBLESS.has(code)) return false;
    const nowMs = this.#modules.clock.monotonicMs();
    this.#joblessSinceMs ??= nowMs;
    return nowMs - this.#joblessSinceMs >= this.#options.joblessMs;
  }

  #rise(height: number): void {
    if (this.#top !== undefined && height <= this.#top) return;
    this.#top = height;
    this.#events.onHeight(height);
  }

  #complain(told: Told, problem: string, alarm: boolean): void {
    const height = this.#top ?? this.#options.startHeight;
    if (!told.isNew(`${alarm ? "alarm" : "warning"} ${height}: ${problem}`)) return;
    this.#modules.logger[alarm ? "error" : "warn"]("the chain cannot be followed", { height, problem });
    if (this.#jobHeight !== height + 1) this.#events.onNoJob(height, problem);
  }
}

/** The problem that was told last. The same problem is told only once in a row, however often it is met. */
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
