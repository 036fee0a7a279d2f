/** A miner: threads that search, and the pools that they search for. Runs as `prosper miner`, or inside another process. */

import type { Clock, Random } from "../../shared/clock.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Dial } from "./dial.ts";
import type { MinerStats } from "./miner-stats.ts";
import { MinerThreads, type OpenTable } from "./miner-threads.ts";
import { PoolChoice } from "./pool-choice.ts";
import { type MinerPool, PoolLink } from "./pool-link.ts";
import { isSameWork, type Work } from "./search-work.ts";
import { ShareRecord } from "./share-record.ts";

/** The first pool, and how to mine. */
export interface MinerOptions extends MinerPool {
  /** Where to mine while those before are away, in this order (pool-choice.ts). */
  readonly others?: readonly MinerPool[];
  readonly threads: number;
  /**
   * The part of the time in which each thread may compute. Below 1, the cores are partly free for others, such as a pool in the same process. Default
   * 1.
   */
  readonly dutyCycle?: number;
  /** The most hashes a second of all threads together. */
  readonly maxHashesPerSecond?: number;
  readonly agent?: string;
  /** Bits of the table that is made whatever the pool tells. */
  readonly bits?: number | undefined;
}

export interface MinerModules {
  /** Or how it is read or made, once a pool has taken the login. */
  readonly table: SharedTable | OpenTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial?: Dial;
  /** Called with a text that the pool wants a person to see. Default: the log. */
  readonly onMessage?: (text: string) => void;
}

/** How a miner ended: by stop(), because every pool refused the login and would refuse it again, or because there is no table. */
export type MinerEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "no-table"; readonly error: Error };

export interface Miner {
  stats(): MinerStats;
  /** Ends threads and connections; resolves when they are gone. */
  stop(): Promise<void>;
  readonly ended: Promise<MinerEnd>;
  /** Asks the pool for a job's oprHash; undefined where there is none or no connection. */
  getOprHash(jobId: string): Promise<string | undefined>;
  /** Asks the pool for another target (hex). */
  suggestTarget(target: string): void;
  /** The threads rest until resume(); the connection stays, and what was found is sent. */
  pause(): void;
  resume(): void;
}

/** Shown until the pool has told a target. */
const NO_TARGET = 0xffff_ffff_ffff_ffffn;
const DEFAULT_AGENT = "prosper-ts/0.1";

/** Starts at once. Throws RangeError on bad options, CodedError "lxr-no-region" where it is given a table. The table stays the caller's. */
export function startMiner(options: MinerOptions, modules: MinerModules): Miner {
  return new RunningMiner(options, modules);
}

class RunningMiner implements Miner {
  readonly ended: Promise<MinerEnd>;
  readonly #modules: MinerModules;
  readonly #threads: MinerThreads;
  readonly #record = new ShareRecord();
  readonly #links: readonly [PoolLink, ...PoolLink[]];
  readonly #choice: PoolChoice<PoolLink>;
  #resolveEnded: (end: MinerEnd) => void = () => undefined;
  /** What the threads search now. */
  #work: Work | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MinerOptions, modules: MinerModules) {
    const { agent = DEFAULT_AGENT, bits, dutyCycle = 1, maxHashesPerSecond, others = [], threads } = options;
    this.#modules = modules;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#threads = new MinerThreads({ threads, dutyCycle, maxHashesPerSecond }, modules, {
      onHit: (hit) => this.#links.find((link) => link.announced(hit.work.job))?.outbox.add(hit),
      onTablePart: (part) => {
        for (const link of this.#links) link.tellTable(Math.floor(100 * part));
      },
      onNoTable: (error) => void this.#finish({ kind: "no-table", error }),
    });
    const linkTo = (pool: MinerPool): PoolLink => {
      const own = { ...modules, record: this.#record };
      return new PoolLink({ ...pool, agent, bits }, own, {
        onChange: () => this.#follow(),
        onLogin: (tableBits) => this.#threads.poolHas(tableBits),
        onRefused: (reason) => this.#onRefused(pool, reason),
      });
    };
    this.#links = [linkTo(options), ...others.map(linkTo)];
    this.#choice = new PoolChoice(this.#links, {
      clock: modules.clock,
      onChosen: (link) => this.#onChosen(link),
    });
    this.#choice.start();
  }

  stats(): MinerStats {
    const { hashes, total, threads } = this.#threads.rates(this.#modules.clock.monotonicMs());
    const { height, isConnected, loggedInMs, pool, port, target = NO_TARGET } = this.#choice.active;
    const { host, tls = false, user, worker } = pool;
    return {
      pool: { host, port, tls, user, worker },
      connected: isConnected,
      authorized: loggedInMs !== undefined,
      loggedInMs,
      paused: this.#threads.isPaused,
      hashrate: total.tenSeconds,
      rates: total,
      threads,
      hashes,
      ...this.#record.stats(),
      height,
      tablePart: this.#threads.tablePart,
      target,
      reconnects: this.#links.reduce((sum, { reconnects }) => sum + reconnects, 0),
    };
  }

  pause(): void {
    this.#threads.pause();
  }

  resume(): void {
    this.#threads.resume();
  }

  stop(): Promise<void> {
    return this.#finish({ kind: "stopped" });
  }

  getOprHash(jobId: string): Promise<string | undefined> {
    return this.#choice.active.getOprHash(jobId);
  }

  suggestTarget(target: string): void {
    this.#choice.active.suggestTarget(target);
  }

  #follow(): void {
    if (this.#stopping !== undefined) return;
    this.#choice.look();
    this.#search(this.#choice.active.work);
  }

  #search(work: Work | undefined): void {
    if (isSameWork(work, this.#work)) return;
    this.#work = work;
    this.#threads.setWork(work);
  }

  #onChosen({ pool, port, work }: PoolLink): void {
    this.#modules.logger.warn("Mining on another pool of the list", { host: pool.host, port });
    this.#search(work);
  }

  #onRefused({ host, port }: MinerPool, reason: string): void {
    if (this.#links.every((link) => link.isRefused)) void this.#finish({ kind: "refused", reason });
    else
      this.#modules.logger.warn("The pool refused the login: the others are tried", { host, port, reason });
    this.#follow();
  }

  #finish(end: MinerEnd): Promise<void> {
    this.#stopping ??= this.#shutDown().then(() => this.#resolveEnded(end));
    return this.#stopping;
  }

  async #shutDown(): Promise<void> {
    this.#choice.stop();
    await this.#threads.stop();
    await Promise.all(this.#links.map((link) => link.stop()));
  }
}
