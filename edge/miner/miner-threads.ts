/** A miner's table and the threads over it: there from the beginning, or made once the pool has taken the login. */

import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { RateMeter, type Rates } from "./rates.ts";
import { checkThreads, type Hit, SearchThreads } from "./search-threads.ts";
import type { Work } from "./search-work.ts";

/**
 * Reads or makes the table: `poolBits` is the size that the pool tells, undefined where it does not. `onProgress` is told the part that is done, 0 to
 * 1.
 */
export type OpenTable = (
  poolBits: number | undefined,
  onProgress: (part: number) => void,
) => Promise<SharedTable>;

export interface MinerThreadsOptions {
  readonly threads: number;
  readonly dutyCycle: number;
  readonly maxHashesPerSecond: number | undefined;
}

export interface MinerThreadsModules {
  readonly table: SharedTable | OpenTable;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface MinerThreadsHooks {
  onHit(hit: Hit): void;
  /** The part of the table that is made, 0 to 1. */
  onTablePart(part: number): void;
  /** There is no table, and there will be none. */
  onNoTable(error: Error): void;
}

export class MinerThreads {
  readonly #options: MinerThreadsOptions;
  readonly #modules: MinerThreadsModules;
  readonly #hooks: MinerThreadsHooks;
  #threads: SearchThreads | undefined;
  #bits: number | undefined;
  #work: Work | undefined;
  #part: number | undefined;
  #paused: boolean = false;
  readonly #rate = new RateMeter();
  readonly #rateOfThread: RateMeter[];
  #stopped: boolean = false;

  /** Throws RangeError on options out of bounds, CodedError "lxr-no-region" where it is given a table. */
  constructor(options: MinerThreadsOptions, modules: MinerThreadsModules, hooks: MinerThreadsHooks) {
    checkThreads(options);
    this.#options = options;
    this.#modules = modules;
    this.#hooks = hooks;
    this.#rateOfThread = Array.from({ length: options.threads }, () => new RateMeter());
    if (typeof modules.table !== "function") this.#start(modules.table);
  }

  /** The part of the table that is made; undefined where nobody makes one. */
  get tablePart(): number | undefined {
    return this.#part;
  }

  /** `nowMs` of the monotonic clock. */
  rates(nowMs: number): {
    readonly hashes: number;
    readonly total: Rates;
    readonly threads: readonly Rates[];
  } {
    const threads = this.#rateOfThread.map((meter) => meter.rates(nowMs));
    return { hashes: this.#rate.total, total: this.#rate.rates(nowMs), threads };
  }

  setWork(work: Work | undefined): void {
    this.#work = work;
    if (!this.#paused) this.#threads?.setWork(work);
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** The threads rest, whatever work there is, until resume(). */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#threads?.setWork(undefined);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#threads?.setWork(this.#work);
  }

  /** The pool has taken a login, and tells this size of table: the first time the table is made, while the connection is kept. */
  poolHas(poolBits: number | undefined): void {
    this.#compare(poolBits);
    const { table } = this.#modules;
    if (typeof table === "function" && this.#bits === undefined && this.#part === undefined)
      void this.#open(table, poolBits);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#threads?.stop();
  }

  async #open(open: OpenTable, poolBits: number | undefined): Promise<void> {
    this.#tell(0);
    try {
      const table = await open(poolBits, (part) => this.#tell(part));
      if (this.#stopped) return;
      this.#start(table);
      this.#tell(1);
      this.#part = undefined;
      this.#compare(poolBits);
      this.setWork(this.#work);
    } catch (thrown) {
      this.#hooks.onNoTable(coerceError(thrown));
    }
  }

  #tell(part: number): void {
    this.#part = part;
    this.#hooks.onTablePart(part);
  }

  #start(table: SharedTable): void {
    this.#bits = table.bits;
    this.#threads = new SearchThreads({ table, ...this.#options }, this.#modules, {
      onHit: (hit) => this.#hooks.onHit(hit),
      onHashes: (hashes, thread) => this.#count(hashes, thread),
    });
  }

  #count(hashes: number, thread: number): void {
    const now = this.#modules.clock.monotonicMs();
    this.#rate.add(hashes, now);
    this.#rateOfThread[thread]?.add(hashes, now);
  }

  #compare(poolBits: number | undefined): void {
    if (poolBits === undefined || this.#bits === undefined || poolBits === this.#bits) return;
    this.#modules.logger.warn("The pool has another LXR table: it will refuse every share", {
      poolBits,
      ownBits: this.#bits,
    });
  }
}
