/** What a miner searches, and for how long the pool takes its shares. */

/** A pool takes shares for at most this long after it has ended their job (shared/messages/STRATUM.md, M3). */
const LATE_MS = 5_000;

/** A job from its announcement to its end; the same job announced again after a stop is another one. */
export class MiningJob {
  readonly height: number;
  /** 64 lower-case hex digits. */
  readonly oprHash: string;
  /** By the monotonic clock; Infinity while nothing is known to have ended it. */
  #takenUntilMs = Number.POSITIVE_INFINITY;

  constructor(height: number, oprHash: string) {
    this.height = height;
    this.oprHash = oprHash;
  }

  /**
   * The pool said stop, or announced another job at `nextHeight`. If that is more than one height above, this job ended at least a block ago, and the
   * end was not heard.
   */
  end(nowMs: number, nextHeight: number = this.height): void {
    const lateMs = nextHeight > this.height + 1 ? 0 : LATE_MS;
    this.#takenUntilMs = Math.min(this.#takenUntilMs, nowMs + lateMs);
  }

  isEnded(): boolean {
    return this.#takenUntilMs !== Number.POSITIVE_INFINITY;
  }

  /** Whether the pool may still take its shares. */
  isTaken(nowMs: number): boolean {
    return nowMs < this.#takenUntilMs;
  }

  announces(height: number, oprHash: string): boolean {
    return this.height === height && this.oprHash === oprHash;
  }
}

/** Nonces of one prefix for one job. A hit is judged by this target, whatever the pool tells later: a prefix has one target for its whole life. */
export interface Work {
  readonly job: MiningJob;
  /** The pool's 32-bit prefix, the first four bytes of each nonce. */
  readonly prefix: number;
  /** Difficulties at or above it are shares. */
  readonly target: bigint;
}

export function isSameWork(a: Work | undefined, b: Work | undefined): boolean {
  return a === b || (a?.job === b?.job && a?.prefix === b?.prefix && a?.target === b?.target);
}
