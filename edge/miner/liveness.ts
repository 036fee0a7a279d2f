/** Tells a pool that is gone from one that is slow: by the age of its oldest unanswered request, and by a question that every pool answers at once. */

import type { Clock, Timer } from "../../shared/clock.ts";
import type { PoolAnswer, PoolConnection } from "./pool-connection.ts";

const TICK_MS = 250;
/** Silence with a request open, as a multiple of the slowest answer of late, within these bounds. What a pool answers at once tells how near it is. */
const PATIENCE_FACTOR = 16;
/** A share waits for the pool's disk: that tells little of a pool which is asked whether it is there meanwhile, and says so at once. */
const SHARE_PATIENCE_FACTOR = 2;
const MIN_PATIENCE_MS = 3_000;
const MAX_PATIENCE_MS = 30_000;
/** Each answer multiplies what is remembered of a slower one by this. */
const FORGET = 0.95;
/** A pool that was silent for this long is asked whether it is there. */
const QUIET_MS = 30_000;

/** How long a pool may leave everything unanswered: what is slow is waited for, over all its connections. */
export class Patience {
  #slowestMs = 0;
  #slowestShareMs = 0;
  #fruitless = 0;

  /** The question whether it is there was answered after `ms`. */
  answered(ms: number): void {
    this.#slowestMs = Math.max(ms, this.#slowestMs * FORGET);
    this.#fruitless = 0;
  }

  /** A share had its verdict after `ms`. */
  judged(ms: number): void {
    this.#slowestShareMs = Math.max(ms, this.#slowestShareMs * FORGET);
    this.#fruitless = 0;
  }

  /** A connection was given up: if the next one is silent too, the pool is slow and not gone. */
  gaveUp(): void {
    this.#fruitless += 1;
  }

  ms(): number {
    const usual = Math.max(
      MIN_PATIENCE_MS,
      PATIENCE_FACTOR * this.#slowestMs,
      SHARE_PATIENCE_FACTOR * this.#slowestShareMs,
    );
    return Math.min(MAX_PATIENCE_MS, usual * 2 ** Math.min(this.#fruitless, 10));
  }
}

/** Watches one connection from its login on. */
export class Liveness {
  readonly #connection: PoolConnection;
  readonly #clock: Clock;
  readonly #patience: Patience;
  /** When each request without an answer was sent, oldest first. */
  readonly #open = new Set<{ readonly sentMs: number }>();
  #askedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer;

  constructor(connection: PoolConnection, clock: Clock, patience: Patience) {
    this.#connection = connection;
    this.#clock = clock;
    this.#patience = patience;
    this.#timer = clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer.stop();
  }

  /** Sends a share. As PoolConnection's `request`. */
  submit(params: readonly string[]): Promise<PoolAnswer | undefined> {
    return this.#request("mining.submit", params, (ms) => this.#patience.judged(ms));
  }

  async #request(
    method: string,
    params: readonly string[],
    onAnswer: (ms: number) => void,
  ): Promise<PoolAnswer | undefined> {
    const sent = { sentMs: this.#clock.monotonicMs() };
    this.#open.add(sent);
    const answer = await this.#connection.request(method, params);
    this.#open.delete(sent);
    if (answer !== undefined) onAnswer(this.#clock.monotonicMs() - sent.sentMs);
    return answer;
  }

  #tick(): void {
    const now = this.#clock.monotonicMs();
    const heardMs = this.#connection.heardMs();
    const [oldest] = this.#open;
    const silentMs = now - Math.max(heardMs, oldest?.sentMs ?? heardMs);
    const patienceMs = oldest === undefined ? Number.POSITIVE_INFINITY : this.#patience.ms();
    if (silentMs >= patienceMs) {
      this.#patience.gaveUp();
      this.#connection.end(`the pool has answered nothing for ${Math.round(silentMs / 1_000)} s`);
      return;
    }
    const asked = this.#askedMs > heardMs;
    if (!asked && silentMs >= Math.min(QUIET_MS, patienceMs / 2)) this.#ask(now);
    this.#timer = this.#clock.after(TICK_MS, () => this.#tick());
  }

  /** A pool whose disk or database is slow answers this at once, before the shares that wait for it; any answer will do. */
  #ask(nowMs: number): void {
    this.#askedMs = nowMs;
    void this.#request("mining.ping", [], (ms) => this.#patience.answered(ms));
  }
}
