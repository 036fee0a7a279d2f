/** A process in the simulator: it has a clock of its own, may be paused or killed, and from its death on reaches nothing any more. */

import type { Clock } from "../../../shared/clock.ts";
import type { SimTime } from "./time.ts";

/** What a right wall clock says when a schedule begins. */
export const WALL_START_MS = 1_600_000_000_000;

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  /** The wall clock's error. */
  wallOffsetMs = 0;
  #paused = false;
  #held: (() => void)[] = [];
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #time: SimTime;

  constructor(name: string, time: SimTime) {
    this.name = name;
    this.#time = time;
    const startMs = time.nowMs;
    this.clock = {
      wallMs: () => WALL_START_MS + time.nowMs + this.wallOffsetMs,
      monotonicMs: () => time.nowMs - startMs,
      after: (delayMs, fn) => time.after(delayMs, () => this.deliver(fn)),
    };
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Runs `fn` in this process: now, when it is resumed, or never. */
  deliver(fn: () => void): void {
    if (!this.alive) return;
    if (this.#paused) this.#held.push(fn);
    else fn();
  }

  pause(): void {
    this.#paused = true;
  }

  /** What fell due meanwhile happens now, one after the other. */
  resume(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = [];
    for (const fn of held) this.#time.after(0, () => this.deliver(fn));
  }

  kill(): void {
    this.alive = false;
    this.#held = [];
  }

  /**
   * A promise that the world settles by `begin`'s callbacks, if the process is there to see it. One that is dead waits for ever.
   */
  wait<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const done = (settle: () => void): void =>
        this.deliver(() => {
          this.#waiting.delete(reject);
          settle();
        });
      if (!this.alive) return;
      begin(
        (value) => done(() => resolve(value)),
        (error) => done(() => reject(error)),
      );
    });
  }

  /** When the schedule is over: lets go of everything that still waits, so that it can be collected. */
  dispose(): void {
    this.alive = false;
    for (const reject of this.#waiting) reject(new Error(`${this.name} is over`));
    this.#waiting.clear();
  }
}
