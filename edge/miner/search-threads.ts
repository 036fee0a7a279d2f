/** The searching threads of a miner: keeps each supplied with nonces, and passes on what they find. */

import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import { claimRegion, releaseRegion, type SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { inputPrefix, NonceBook, nonceHex } from "./nonces.ts";
import {
  CONTROL_BYTES,
  type SearchReport,
  type SearchSetup,
  type SearchTask,
  viewGeneration,
} from "./search-task.ts";
import type { Work } from "./search-work.ts";

export interface SearchThreadsOptions {
  readonly table: SharedTable;
  /** 1 to 61. */
  readonly threads: number;
  /** Share of the time that each thread may compute, above 0 and up to 1. */
  readonly dutyCycle: number;
  /** For all threads together; undefined = as fast as it goes. */
  readonly maxHashesPerSecond: number | undefined;
}

/** A nonce that reached the target of its work. */
export interface Hit {
  readonly work: Work;
  readonly nonce: string;
  readonly difficulty: bigint;
}

export interface SearchThreadsHooks {
  onHit(hit: Hit): void;
  /** `thread` from 0 on; one that is started again keeps its number. */
  onHashes(hashes: number, thread: number): void;
}

/** A stretch takes about this long, so that a thread asks for the next some times a second. */
const STRETCH_MS = 200;
const FIRST_STRETCH = 1_024;
const MAX_STRETCH = 2 ** 20;
/** How many stretches a thread is given ahead, so that it never waits for the next one. */
const STRETCHES_AHEAD = 2;
const RESTART_MS = 1_000;
/** How long a stop waits for the threads to report what they have found: many slices (search-thread.ts). */
const LAST_REPORTS_MS = 1_000;

interface ThreadSlot {
  readonly thread: number;
  worker: Worker;
  readonly region: number;
  /** The work of each stretch that was given out and is not done, oldest first. A report belongs to the first of them. */
  readonly given: Work[];
  stretch: number;
}

export class SearchThreads {
  readonly #options: SearchThreadsOptions;
  readonly #hooks: SearchThreadsHooks;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #buffer = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #generation: Int32Array;
  readonly #book = new NonceBook();
  readonly #seats = new Set<ThreadSlot>();
  readonly #restarts = new Set<Timer>();
  #work: Work | undefined;
  #stopped: boolean = false;
  #onIdle: () => void = () => undefined;

  /** Throws RangeError on options out of bounds, CodedError "lxr-no-region" when the table has not enough free regions. */
  constructor(
    options: SearchThreadsOptions,
    modules: { readonly clock: Clock; readonly logger: Logger },
    hooks: SearchThreadsHooks,
  ) {
    checkThreads(options);
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = modules.clock;
    this.#logger = modules.logger;
    this.#generation = viewGeneration(this.#buffer);
    for (let thread = 0; thread < options.threads; thread++) this.#start(thread);
  }

  /**
   * What the threads search from now on; undefined = nothing. They change over within a slice (slices.ts: about 3 ms). For the same prefix and job
   * the nonces continue where they ended. Hits of former work are still reported, and belong to that work.
   */
  setWork(work: Work | undefined): void {
    this.#work = work;
    Atomics.add(this.#generation, 0, 1);
    Atomics.notify(this.#generation, 0);
    for (const slot of this.#seats) this.#supply(slot);
  }

  /** Ends the threads once they have reported what they found; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.setWork(undefined);
    for (const restart of this.#restarts) restart.stop();
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#clock.after(LAST_REPORTS_MS, resolve);
      this.#checkIdle();
    });
    await Promise.all([...this.#seats].map((slot) => slot.worker.terminate()));
  }

  #checkIdle(): void {
    if ([...this.#seats].every((slot) => slot.given.length === 0)) this.#onIdle();
  }

  #start(thread: number): void {
    const { table, threads, dutyCycle, maxHashesPerSecond } = this.#options;
    const setup: SearchSetup = {
      table,
      region: claimRegion(table),
      control: this.#buffer,
      dutyCycle,
      maxHashesPerSecond: (maxHashesPerSecond ?? Number.POSITIVE_INFINITY) / threads,
    };
    const worker = new Worker(new URL("./search-thread.ts", import.meta.url), { workerData: setup });
    const { region } = setup;
    const slot: ThreadSlot = { thread, worker, region, given: [], stretch: FIRST_STRETCH };
    this.#seats.add(slot);
    worker.on("message", (report: SearchReport) => this.#hear(slot, report));
    worker.on("error", (error) =>
      this.#logger.error("A mining thread failed", { error: coerceError(error).message }),
    );
    worker.once("exit", () => this.#replace(slot));
    this.#supply(slot);
  }

  #replace(slot: ThreadSlot): void {
    this.#seats.delete(slot);
    releaseRegion(this.#options.table, slot.region);
    if (this.#stopped) {
      this.#checkIdle();
      return;
    }
    const restart = this.#clock.after(RESTART_MS, () => {
      this.#restarts.delete(restart);
      this.#start(slot.thread);
    });
    this.#restarts.add(restart);
  }

  #hear(slot: ThreadSlot, report: SearchReport): void {
    const [work] = slot.given;
    if (work === undefined) return;
    if (report.kind === "hit") {
      const nonce = nonceHex(work, report.counter, report.suffixBytes);
      this.#hooks.onHit({ work, nonce, difficulty: report.difficulty });
      return;
    }
    slot.given.shift();
    if (report.hashes > 0) {
      this.#hooks.onHashes(report.hashes, slot.thread);
      const inTime = (report.hashes * STRETCH_MS) / Math.max(1, report.ms);
      slot.stretch = Math.min(MAX_STRETCH, Math.max(FIRST_STRETCH, 1_024 * Math.round(inTime / 1_024)));
    }
    this.#supply(slot);
    if (this.#stopped) this.#checkIdle();
  }

  #supply(slot: ThreadSlot): void {
    const work = this.#work;
    if (work === undefined) return;
    while (slot.given.length < STRETCHES_AHEAD) {
      const task: SearchTask = {
        generation: Atomics.load(this.#generation, 0),
        prefix: inputPrefix(work),
        target: work.target,
        ...this.#book.take(work, slot.stretch),
      };
      slot.given.push(work);
      slot.worker.postMessage(task);
    }
  }
}

/** Throws RangeError on options out of bounds. */
export function checkThreads({
  threads,
  dutyCycle = 1,
  maxHashesPerSecond,
}: {
  readonly threads: number;
  readonly dutyCycle?: number | undefined;
  readonly maxHashesPerSecond?: number | undefined;
}): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 61)
    throw new RangeError(`threads: expected a whole number from 1 to 61, got ${threads}`);
  if (!(dutyCycle > 0 && dutyCycle <= 1))
    throw new RangeError(`dutyCycle: expected a number above 0 and up to 1, got ${dutyCycle}`);
  if (maxHashesPerSecond !== undefined && !(maxHashesPerSecond > 0))
    throw new RangeError(`maxHashesPerSecond: expected a number above 0, got ${maxHashesPerSecond}`);
}
