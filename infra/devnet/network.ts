/**
 * The devnet's timing: makes a block every period, counts minutes, and makes the faults that are asked for.
 */

import type { Clock, Timer } from "../../shared/clock.ts";
import { sleep } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import { entryHash, OPR_CHAIN } from "../../shared/factom/entry.ts";
import { isWinnerList } from "../../shared/grading/previous-winners.ts";
import { rulesOf } from "../../shared/grading/versions.ts";
import type { Hasher, NonceSearch } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import { type Activations, type OprVersion, versionAt } from "../../shared/opr/assets.ts";
import { type BlockEntry, type MadeBlock, makeBlock } from "./block-maker.ts";
import { type DevnetBlock, summarise } from "./block-summary.ts";
import type { DevnetChain } from "./chain.ts";
import type { Control, ControlState } from "./controls.ts";
import type { Effort } from "./effort.ts";
import type { Mempool, Moment } from "./mempool.ts";
import type { createRivals, RivalRound } from "./rivals.ts";
import { type ChainPosition, MINUTES, minuteAt, positionOf, saveMs } from "./schedule.ts";

export interface NetworkOptions {
  readonly blockMs: number;
  /** Of a new chain. */
  readonly firstHeight: number;
  readonly activations: Activations;
  /** Every N-th block has no OPR entry; 0: every block has them. */
  readonly skipEvery: number;
  readonly stall: boolean;
  /** FA addresses of the rivals, for telling them from the others. */
  readonly rivalAddresses: ReadonlySet<string>;
}

export interface NetworkModules {
  readonly chain: DevnetChain;
  readonly mempool: Mempool;
  readonly rivals: ReturnType<typeof createRivals>;
  readonly effort: Effort;
  readonly hasher: Hasher;
  /** Starts one that works on the first block too, and is closed with it. */
  readonly firstHelper: (() => Hasher & NonceSearch) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onBlock: (block: DevnetBlock) => void;
}

/** The block being made. */
interface Current {
  readonly height: number;
  readonly version: OprVersion | null;
  readonly startedWallMs: number;
  startedMs: number;
  round: RivalRound | undefined;
  minute: number;
}

/**
 * Whoever starts a devnet waits for its first block, so the work on that block is cut short after this time.
 */
const FIRST_BLOCK_MS = 4_000;

export class Network {
  readonly #options: NetworkOptions;
  readonly #modules: NetworkModules;
  readonly #stopping = new AbortController();
  #current: Current | undefined;
  #isClosing = false;
  /** Why the last try to make a block failed; said once. */
  #trouble: string | undefined;
  #closing: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #catchUpTimer: Timer | undefined;
  /** Milliseconds into the block at which it was stalled. */
  #stalledAt: number | undefined;
  #stallNext: boolean;
  #skip = 0;
  #saved = 0;

  constructor(options: NetworkOptions, modules: NetworkModules) {
    this.#options = options;
    this.#modules = modules;
    this.#stallNext = options.stall;
  }

  /** Makes the first block of a new chain at once, then begins the next. An existing chain goes on. */
  async start(): Promise<void> {
    const { chain } = this.#modules;
    if (chain.tip === undefined) {
      const helper = this.#modules.firstHelper?.();
      try {
        this.#begin(this.#options.firstHeight);
        await this.#workFirst(helper === undefined ? [] : [helper]);
        await this.#finish(0);
      } finally {
        await helper?.close();
      }
    }
    this.#saved = chain.tip?.height ?? 0;
    this.#beginTicking(this.#modules.clock.monotonicMs());
  }

  /** Does a block's work, or what there is time for: the pool's first moving average is made of it. */
  async #workFirst(helpers: readonly NonceSearch[]): Promise<void> {
    const enough = new AbortController();
    const work = this.#current?.round?.work(1, 1, helpers).finally(() => enough.abort());
    // The harvest ends what is still running then.
    await Promise.race([work, sleep(this.#modules.clock, FIRST_BLOCK_MS, enough.signal)]);
  }

  /** Stops the timing. The block being made is lost, as with a node that is shut down. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.stop();
    this.#catchUpTimer?.stop();
    await this.#closing;
    await this.#current?.round?.harvest();
  }

  position(): ChainPosition {
    const minute = this.#isClosing ? 0 : minuteAt(this.#elapsed(), this.#options.blockMs);
    return positionOf(this.#saved, this.#modules.chain.tip?.height ?? 0, minute);
  }

  /** Milliseconds since the block began; stands still while stalled. */
  elapsedMs(): number {
    return this.#elapsed();
  }

  /** Height and minute for what is sent now. While a block is being saved, it goes into the next. */
  moment(): Moment {
    const tip = this.#modules.chain.tip?.height ?? 0;
    return { height: tip + (this.#isClosing ? 2 : 1), minute: this.position().minute + 1 };
  }

  control(change: Control): void {
    if (change.stall === true) this.#stall();
    if (change.stall === false) this.#resume();
    if (change.skip !== undefined) this.#skip = change.skip;
    if (change.goBack !== undefined) this.#goBack(change.goBack);
    if (change.closeBlock) this.#close();
  }

  state(): Omit<ControlState, "errors" | "delayMs"> {
    const { chain, effort } = this.#modules;
    const { savedHeight, minute } = this.position();
    return {
      stall: this.#stalledAt !== undefined || this.#stallNext,
      skip: this.#skip,
      savedHeight,
      tipHeight: chain.tip?.height ?? 0,
      minute,
      rivalHashes: effort.next(),
    };
  }

  #elapsed(): number {
    if (this.#stalledAt !== undefined) return this.#stalledAt;
    return this.#current === undefined ? 0 : this.#modules.clock.monotonicMs() - this.#current.startedMs;
  }

  #begin(height: number): void {
    const { rivals, effort, clock, logger } = this.#modules;
    const version = versionAt(height, this.#options.activations);
    this.#current = {
      height,
      version,
      startedWallMs: clock.wallMs(),
      startedMs: clock.monotonicMs(),
      round: undefined,
      minute: 0,
    };
    if (version === null) return;
    try {
      const prevWinners = this.#winnersFor(version);
      this.#current.round = rivals.start({ height, version, prevWinners, hashes: effort.next() });
    } catch (thrown) {
      logger.error("the rivals cannot mine", { height, error: coerceError(thrown).message });
    }
  }

  /** None, where the last winners are those of a version that this one cannot follow. */
  #winnersFor(version: OprVersion): readonly string[] {
    const { winners } = this.#modules.chain;
    return isWinnerList(winners, rulesOf(version).previousWinnerCounts) ? winners : [];
  }

  #beginTicking(startedMs: number): void {
    this.#begin((this.#modules.chain.tip?.height ?? 0) + 1);
    if (this.#current) this.#current.startedMs = startedMs;
    if (this.#stallNext) {
      this.#stallNext = false;
      this.#stalledAt = this.#modules.clock.monotonicMs() - startedMs;
      return;
    }
    this.#work(0);
    this.#schedule();
  }

  #schedule(): void {
    const { blockMs } = this.#options;
    const elapsed = this.#elapsed();
    const next = ((minuteAt(elapsed, blockMs) + 1) * blockMs) / MINUTES;
    this.#timer = this.#modules.clock.after(Math.max(0, next - elapsed), () => this.#tick());
  }

  #tick(): void {
    const { blockMs } = this.#options;
    if (this.#stopping.signal.aborted || this.#current === undefined) return;
    const elapsed = this.#elapsed();
    if (elapsed >= blockMs) {
      this.#close();
      return;
    }
    const minute = minuteAt(elapsed, blockMs);
    if (minute !== this.#current.minute) this.#work(minute);
    this.#schedule();
  }

  /** The rivals' hashes are spread over the block, a part a minute. */
  #work(minute: number): void {
    if (this.#current) this.#current.minute = minute;
    const { height, round } = this.#current ?? {};
    round?.work(1 / MINUTES, minute + 1).catch((thrown: unknown) => {
      this.#modules.logger.warn("the rivals stopped hashing", { height, error: coerceError(thrown).message });
    });
  }

  #close(): void {
    if (this.#isClosing || this.#stopping.signal.aborted) return;
    this.#timer?.stop();
    if (this.#stalledAt !== undefined) this.#stallNext = true;
    this.#stalledAt = undefined;
    const { clock, logger } = this.#modules;
    const endedMs = clock.monotonicMs();
    this.#closing = this.#finish(endedMs + saveMs(this.#options.blockMs)).then(
      () => {
        this.#trouble = undefined;
        if (!this.#stopping.signal.aborted) this.#beginTicking(endedMs);
      },
      (thrown: unknown) => {
        const { message } = coerceError(thrown);
        if (message !== this.#trouble)
          logger.error("the block could not be made; trying again", { error: message });
        this.#trouble = message;
        this.#isClosing = false;
        this.#timer = clock.after(this.#options.blockMs / MINUTES, () => this.#close());
      },
    );
  }

  /** Makes the current block and saves it, not before `savedMs`. */
  async #finish(savedMs: number): Promise<void> {
    const { chain, mempool, effort, hasher, clock } = this.#modules;
    const current = this.#current;
    if (current === undefined) return;
    this.#isClosing = true;
    const isSkipped = this.#takeSkip(current.height);
    const pending = mempool.ready().filter((entry) => !isSkipped || entry.chainId !== OPR_CHAIN);
    const rivals = (await current.round?.harvest().catch(() => [])) ?? [];
    const entries: BlockEntry[] = [
      ...(isSkipped ? [] : rivals).map((rival) => ({
        ...rival,
        chainId: OPR_CHAIN,
        hash: entryHash(rival.raw),
      })),
      ...pending.map((entry) => ({ ...entry, minute: entry.height === current.height ? entry.minute : 1 })),
    ];
    const { height, version, startedWallMs: startedMs } = current;
    const prevWinners = version === null ? [] : this.#winnersFor(version);
    const made = await makeBlock({ height, version, startedMs, entries, prevWinners }, chain, hasher);
    const leftMs = savedMs - clock.monotonicMs();
    if (leftMs > 0) await sleep(clock, leftMs, this.#stopping.signal);
    await this.#save(made);
    mempool.removeIncluded(new Set(entries.map((entry) => entry.hash)), height + 1);
    const summary = summarise(made, this.#options.rivalAddresses, effort.next());
    effort.observe(summary.otherDifficulties);
    this.#isClosing = false;
    this.#modules.onBlock(summary);
  }

  async #save({ record, raws }: MadeBlock): Promise<void> {
    const { chain } = this.#modules;
    const isLagging = chain.tip !== undefined && this.#saved < chain.tip.height;
    await chain.append(record, raws);
    if (!isLagging) this.#saved = record.height;
  }

  #takeSkip(height: number): boolean {
    const { skipEvery } = this.#options;
    if (this.#skip > 0) {
      this.#skip--;
      return true;
    }
    return skipEvery > 0 && height % skipEvery === 0;
  }

  #stall(): void {
    if (this.#isClosing) this.#stallNext = true;
    if (this.#isClosing || this.#stalledAt !== undefined) return;
    this.#stalledAt = this.#elapsed();
    this.#timer?.stop();
  }

  #resume(): void {
    this.#stallNext = false;
    if (this.#stalledAt === undefined || this.#current === undefined) return;
    this.#current.startedMs = this.#modules.clock.monotonicMs() - this.#stalledAt;
    this.#stalledAt = undefined;
    this.#schedule();
  }

  /** Other nodes still have the lost blocks. So the same blocks come back, one a minute. */
  #goBack(blocks: number): void {
    this.#saved = Math.max(this.#modules.chain.oldest ?? 0, this.#saved - blocks);
    this.#catchUpTimer?.stop();
    const syncOne = (): void => {
      this.#saved = Math.min(this.#saved + 1, this.#modules.chain.tip?.height ?? 0);
      if (this.#saved < (this.#modules.chain.tip?.height ?? 0)) plan();
    };
    const plan = (): void => {
      this.#catchUpTimer = this.#modules.clock.after(this.#options.blockMs / MINUTES, syncOne);
    };
    plan();
  }
}
