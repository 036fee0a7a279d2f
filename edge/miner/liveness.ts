/** Tells a pool that is gone from one that is slow: by the age of its oldest unanswered request, and by a question that every pool answers at once. */

import type { Clock, Timer } from "../../shared/clock.ts";
import type { PoolAnswer, PoolConnection } from "./pool-connection.ts";

const TICK_MS = 250;
/**
 * How long a pool with an open request may be silent: this many times its slowest recent answer to that question, within the bounds below. Such an
 * answer shows how near the pool is.
 */
const PATIENCE_FACTOR = 16;
/**
 * The factor for shares. A share waits for the pool's disk, so its time tells little: a pool that is asked meanwhile whether it is there answers at
 * once.
 */
const SHARE_PATIENCE_FACTOR = 2;
const MIN_PATIENCE_MS = 3_000;
const MAX_PATIENCE_MS = 30_000;
/** With each answer, a slower one that is remembered is multiplied by this. */
const FORGET = 0.95;
/** A pool that was silent for this long is asked whether it is there. */
const QUIET_MS = 30_000;

/** How long a pool may leave all requests unanswered. A slow pool gets more time: its slow answers are remembered over all its connections. */
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

  /** A connection was given up. If the next one is silent too, the pool is perhaps only slow: the next wait is longer. */
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

  /** Sends a share, as PoolConnection's `request` does. */
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

  /** A pool with a slow disk or database still answers this at once, before the shares that wait. Any answer is enough. */
  #ask(nowMs: number): void {
    this.#askedMs = nowMs;
    void this.#request("mining.ping", [], (ms) => this.#patience.answered(ms));
  }
}
