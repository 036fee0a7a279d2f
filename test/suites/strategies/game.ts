/** A player with so many hashes against a pool, slice by slice: what it made while it was told to, and what it was credited. */

import { createHash } from "node:crypto";
import { fromHex } from "../../../shared/bytes.ts";
import { HASH_SPACE } from "../../../shared/difficulty/target.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { memoryBooks } from "../../support/memory-books.ts";
import { Chance } from "../../support/random.ts";
import { settle } from "../../support/turns.ts";
import { type Luck, mixerLuck } from "./mixer.ts";
import { BLOCK_MS, DeskPool, EASIEST, LATE_MS, OpenPool, type Pool } from "./pool.ts";
import { type Hit, type Job, PlayerSession, type SessionOptions } from "./session.ts";

/** Between two turns of the player's; longer where the next job does not come for some time. */
const SLICE_MS = 200;
const LONG_SLICE_MS = 10_000;
const STEPS_A_SLICE = 4;
export const HASHES_A_SLICE = 800;
/** From one block's end to the next job. */
const SAVING_MS = 600;
/** Turns of the event loop without an answer after which none is waited for. */
const MOST_QUIET = 8;
const USER = "player";

export type Kind = "desk" | "two desks" | "open";

export interface GameOptions {
  readonly seed: number;
  /** To be made. */
  readonly hashes: number;
  readonly kind?: Kind;
  /** The second pool hears of a job so much later. */
  readonly lagMs?: number;
  /** See PoolOptions. */
  readonly isPredictable?: boolean;
  /** What the pool hashes with, and the player finds by. Default: the mixer. */
  readonly luck?: Luck;
}

export class Game {
  readonly chance: Chance;
  readonly clock: ManualClock;
  readonly pools: readonly Pool[];
  /** Hashes made while told to mine, or in the late time after it. */
  made = 0;
  /** Other hashes. */
  untold = 0;
  credited = 0n;
  /** Of the credited sum, in hashes squared: a share of d hashes brings d². */
  variance = 0;
  /** The next gap between two jobs. */
  savingMs = SAVING_MS;
  job: Job;
  readonly #options: GameOptions;
  readonly #luck: Luck;
  readonly #counters = new Map<string, number>();
  #sessions: PlayerSession[] = [];
  #startedMs: number;
  /** Since when nobody is told to mine. */
  #stoppedMs: number | undefined;
  #isSaved = false;
  /** The second pool has the present job. */
  #isSecondTold = true;
  #left = 0;
  #addresses = 0;

  private constructor(options: GameOptions, parts: Pick<Game, "chance" | "clock" | "pools">) {
    this.#options = options;
    this.chance = parts.chance;
    this.clock = parts.clock;
    this.pools = parts.pools;
    this.#luck = options.luck ?? mixerLuck;
    this.#startedMs = this.clock.monotonicMs();
    this.job = jobOf(1000, options.seed);
  }

  /** Starts the pools, and the first job. */
  static async begin(options: GameOptions): Promise<Game> {
    const { kind = "desk", isPredictable = false, seed, luck = mixerLuck } = options;
    const chance = new Chance(seed);
    const clock = manualClock();
    const books = memoryBooks(() => clock.monotonicMs());
    const onCredit = (work: bigint): void => game.#credit(work);
    const modules = { clock, random: chance.fork().bytes(), hasher: luck.hasher, books, onCredit };
    const pools: Pool[] = [];
    if (kind === "open") pools.push(new OpenPool(modules));
    else
      for (const name of kind === "desk" ? ["a"] : ["a", "b"])
        pools.push(await DeskPool.start({ name, isPredictable }, modules));
    const game = new Game(options, { chance, clock, pools });
    for (const pool of pools) await pool.begin(game.job);
    return game;
  }

  /** Milliseconds since the job began. */
  get ageMs(): number {
    return this.clock.monotonicMs() - this.#startedMs;
  }

  get isMining(): boolean {
    return this.#stoppedMs === undefined;
  }

  /** Milliseconds since its miners were told to stop; 0 while they mine. */
  get stoppedForMs(): number {
    return this.#stoppedMs === undefined ? 0 : this.clock.monotonicMs() - this.#stoppedMs;
  }

  /** Hashes left in this slice. */
  get left(): number {
    return this.#left;
  }

  connect(options: Partial<SessionOptions> & { pool?: Pool } = {}): PlayerSession {
    this.#addresses += 1;
    const address = `10.${(this.#addresses >> 16) & 255}.${(this.#addresses >> 8) & 255}.${this.#addresses & 255}`;
    const pool = options.pool ?? this.pools[0];
    if (pool === undefined) throw new Error("a game has a pool");
    const session = new PlayerSession(pool, { user: USER, worker: "rig", address, ...options }, this.clock);
    this.#sessions = [...this.#sessions.filter(({ isOver }) => !isOver), session];
    return session;
  }

  /** Makes so many hashes, as far as the slice allows; those that reach the easiest target. */
  hash(job: Job, prefix: number, hashes: number): Hit[] {
    const count = Math.min(Math.floor(hashes), this.#left);
    this.#left -= count;
    if (this.isMining || this.stoppedForMs <= LATE_MS) this.made += count;
    else this.untold += count;
    const key = `${job.height} ${prefix}`;
    const from = this.#counters.get(key) ?? 0;
    this.#counters.set(key, from + count);
    return this.#luck
      .search(job.oprHashBytes, prefix, { from, count, worth: EASIEST })
      .map(({ counter, reached }) => {
        return { job, prefix, counter, reached, luck: HASH_SPACE / (HASH_SPACE - reached) };
      });
  }

  /** Has the player take turns until the hashes are made, then once more with the last job over. */
  async play(turn: () => void | Promise<void>): Promise<void> {
    while (this.made + this.untold < this.#options.hashes) {
      await this.#turnTime();
      this.#left = HASHES_A_SLICE;
      await turn();
      await this.#pass(this.#isSaved && this.stoppedForMs > 2_000 ? LONG_SLICE_MS : SLICE_MS);
    }
    if (this.isMining) await this.#end();
    this.#left = 0;
    await turn();
    for (let ms = 0; ms < 2 * LATE_MS; ms += SLICE_MS) await this.#pass(SLICE_MS);
  }

  /** Miners are told to stop. */
  async stop(): Promise<void> {
    if (!this.isMining) return;
    this.#stoppedMs = this.clock.monotonicMs();
    for (const pool of this.pools) pool.stop();
    await this.#pass(20);
  }

  /** The job goes on. */
  async resume(): Promise<void> {
    if (this.isMining || this.#isSaved) return;
    this.#stoppedMs = undefined;
    for (const pool of this.pools) await pool.resume();
    await this.#pass(20);
  }

  /** Lets the pools answer. */
  settle(): Promise<void> {
    return this.#pass(20);
  }

  #credit(work: bigint): void {
    this.credited += work;
    this.variance += Number(work) ** 2;
  }

  async #turnTime(): Promise<void> {
    const { lagMs = 0 } = this.#options;
    const [, second] = this.pools;
    if (!this.#isSecondTold && second !== undefined && this.ageMs >= lagMs) {
      this.#isSecondTold = true;
      second.end();
      await second.begin(this.job);
    }
    if (!this.#isSaved && this.ageMs >= BLOCK_MS) await this.#end();
    if (!this.#isSaved || this.stoppedForMs < this.savingMs) return;
    this.savingMs = SAVING_MS;
    this.#isSaved = false;
    this.#stoppedMs = undefined;
    this.job = jobOf(this.job.height + 1, this.#options.seed);
    this.#startedMs = this.clock.monotonicMs();
    await this.pools[0]?.begin(this.job);
    this.#isSecondTold = second === undefined;
    await this.#pass(20);
  }

  /** The block is saved. The second pool learns of it with the next job, where it lags. */
  async #end(): Promise<void> {
    this.#isSaved = true;
    this.#stoppedMs ??= this.clock.monotonicMs();
    for (const [index, pool] of this.pools.entries())
      if (index === 0 || this.#options.lagMs === undefined) pool.end();
    await this.#pass(20);
  }

  async #pass(ms: number): Promise<void> {
    for (let step = 0; step < STEPS_A_SLICE; step++) {
      this.clock.advance(ms / STEPS_A_SLICE);
      await this.#answers();
    }
  }

  /** Lets the pools work on all that was sent, as long as answers come: how quick they are is not in question. */
  async #answers(): Promise<void> {
    const waiting = (): number => this.#sessions.reduce((sum, session) => sum + session.waiting, 0);
    let before = -1;
    await settle();
    for (let quiet = 0; quiet < MOST_QUIET && waiting() > 0; quiet = waiting() === before ? quiet + 1 : 0) {
      before = waiting();
      await settle();
    }
  }
}

function jobOf(height: number, seed: number): Job {
  const oprHash = createHash("sha256").update(`${seed} ${height}`).digest("hex");
  return { height, oprHash, oprHashBytes: fromHex(oprHash) };
}
