/** The searching threads of a miner: keeps each supplied with nonces, and passes on what they find. */

import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import { claimRegion, releaseRegion, type SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { inputPrefix, NonceBook, nonceHex, type Work } from "./nonces.ts";
import {
  CONTROL_BYTES,
  type Control,
  type SearchReport,
  type SearchSetup,
  type SearchTask,
  viewControl,
} from "./search-task.ts";

export interface CrewOptions {
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

export interface CrewHooks {
  onHit(hit: Hit): void;
  onHashes(hashes: number): void;
}

/** A stretch takes about this long, so that a thread asks for the next some times a second. */
const STRETCH_MS = 200;
const FIRST_STRETCH = 1_024;
const MAX_STRETCH = 2 ** 20;
/** Given out ahead, so that no thread waits for its next stretch. */
const STRETCHES_AHEAD = 2;
const RESTART_MS = 1_000;
/** Hits of a former generation may still be on their way from a thread; a pool says some lines at once at most. */
const GENERATIONS_KEPT = 256;

interface Seat {
  worker: Worker;
  readonly region: number;
  outstanding: number;
  stretch: number;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #hooks: CrewHooks;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #buffer = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #control: Control;
  readonly #book = new NonceBook();
  readonly #seats = new Set<Seat>();
  readonly #restarts = new Set<Timer>();
  /** Work by generation: a hit of the one before may still be on its way, and the pool takes it for a while. */
  readonly #recent = new Map<number, Work>();
  #work: Work | undefined;
  #stopped: boolean = false;

  /** Throws RangeError on options out of bounds, CodedError "lxr-no-region" when the table has not enough free regions. */
  constructor(
    options: CrewOptions,
    modules: { readonly clock: Clock; readonly logger: Logger },
    hooks: CrewHooks,
  ) {
    checkOptions(options);
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = modules.clock;
    this.#logger = modules.logger;
    this.#control = viewControl(this.#buffer);
    for (let thread = 0; thread < options.threads; thread++) this.#start();
  }

  /** What the threads search from now on; undefined = nothing. Nonces of the same job and prefix go on where they were left. */
  setWork(work: Work | undefined): void {
    if (isSame(work, this.#work)) return;
    this.#work = work;
    const generation = Atomics.add(this.#control.generation, 0, 1) + 1;
    if (work !== undefined) this.#recent.set(generation, work);
    this.#recent.delete(generation - GENERATIONS_KEPT);
    Atomics.notify(this.#control.generation, 0);
    for (const seat of this.#seats) this.#supply(seat);
  }

  /** Ends the threads; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.setWork(undefined);
    for (const restart of this.#restarts) restart.stop();
    await Promise.all([...this.#seats].map((seat) => seat.worker.terminate()));
  }

  #start(): void {
    const { table, threads, dutyCycle, maxHashesPerSecond } = this.#options;
    const setup: SearchSetup = {
      table,
      region: claimRegion(table),
      control: this.#buffer,
      dutyCycle,
      maxHashesPerSecond: (maxHashesPerSecond ?? Number.POSITIVE_INFINITY) / threads,
    };
    const worker = new Worker(new URL("./search-thread.ts", import.meta.url), { workerData: setup });
    const seat: Seat = { worker, region: setup.region, outstanding: 0, stretch: FIRST_STRETCH };
    this.#seats.add(seat);
    worker.on("message", (report: SearchReport) => this.#hear(seat, report));
    worker.on("error", (error) =>
      this.#logger.error("A mining thread failed", { error: coerceError(error).message }),
    );
    worker.once("exit", () => this.#replace(seat));
    this.#supply(seat);
  }

  #replace(seat: Seat): void {
    this.#seats.delete(seat);
    releaseRegion(this.#options.table, seat.region);
    if (this.#stopped) return;
    const restart = this.#clock.after(RESTART_MS, () => {
      this.#restarts.delete(restart);
      this.#start();
    });
    this.#restarts.add(restart);
  }

  #hear(seat: Seat, report: SearchReport): void {
    if (report.kind === "done") {
      seat.outstanding -= 1;
      if (report.hashes > 0) {
        this.#hooks.onHashes(report.hashes);
        const inTime = (report.hashes * STRETCH_MS) / Math.max(1, report.ms);
        seat.stretch = Math.min(MAX_STRETCH, Math.max(FIRST_STRETCH, 1_024 * Math.round(inTime / 1_024)));
      }
      this.#supply(seat);
      return;
    }
    const work = this.#recent.get(report.generation);
    if (work === undefined) return;
    const nonce = nonceHex(work, report.counter, report.suffixBytes);
    this.#hooks.onHit({ work, nonce, difficulty: report.difficulty });
  }

  #supply(seat: Seat): void {
    const work = this.#work;
    if (work === undefined) return;
    while (seat.outstanding < STRETCHES_AHEAD) {
      const task: SearchTask = {
        generation: Atomics.load(this.#control.generation, 0),
        prefix: inputPrefix(work),
        target: work.target,
        ...this.#book.take(work, seat.stretch),
      };
      seat.outstanding += 1;
      seat.worker.postMessage(task);
    }
  }
}

function isSame(a: Work | undefined, b: Work | undefined): boolean {
  return (
    a?.oprHash === b?.oprHash && a?.prefix === b?.prefix && a?.target === b?.target && a?.height === b?.height
  );
}

function checkOptions({ threads, dutyCycle, maxHashesPerSecond }: CrewOptions): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 61)
    throw new RangeError(`threads: expected a whole number from 1 to 61, got ${threads}`);
  if (!(dutyCycle > 0 && dutyCycle <= 1))
    throw new RangeError(`dutyCycle: expected a number above 0 and up to 1, got ${dutyCycle}`);
  if (maxHashesPerSecond !== undefined && !(maxHashesPerSecond > 0))
    throw new RangeError(`maxHashesPerSecond: expected a number above 0, got ${maxHashesPerSecond}`);
}
