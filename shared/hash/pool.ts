/**
 * Hashing in worker threads over one shared table. All that is queued when a thread is free becomes its next batch. So a single share
 * does not wait for others, and high load makes large batches, which hash up to twenty times faster per input.
 */

import { CodedError, coerceError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type HashThread, startInline, startThread } from "./hash-thread.ts";
import type { Hasher, NonceRange, NonceSearch, Urgency } from "./hasher.ts";
import { MAX_INPUT_BYTES, MAX_LANES, REGIONS } from "./kernel/layout.ts";
import { checkNonceRange } from "./kernel.ts";
import type { SharedTable } from "./shared-table.ts";

export interface LxrPoolOptions {
  readonly table: SharedTable;
  /** Worker threads, 1 to 62. 0 hashes in the calling thread and blocks it: for tests and tiny tables. */
  readonly threads: number;
  /**
   * Inputs that may wait before `canAcceptWork` turns false. `hash` itself refuses at twice as many. The second half is for the few callers
   * that must not be refused, such as the grader.
   */
  readonly queueLimit?: number;
  /** The threads' program; another is for tests of faults. */
  readonly script?: URL;
}

/** At 30 bits and 25,000 hashes a second and thread, a third of a second of work. */
export const DEFAULT_QUEUE_LIMIT = 8192;

/** One region of the table is left for the thread that makes it. */
const MAX_THREADS = REGIONS - 2;

/** A failed batch is tried only once more, on a new thread: an input that kills threads must not go on killing them. */
const ATTEMPTS = 2;

interface Request {
  readonly hashes: Uint8Array[];
  missing: number;
  resolve(hashes: Uint8Array[]): void;
  reject(error: Error): void;
}

interface Queued {
  readonly input: Uint8Array;
  readonly index: number;
  readonly request: Request;
}

/** What one thread does next. */
interface Work {
  readonly inputs: number;
  on(thread: HashThread): Promise<void>;
  reject(error: Error): void;
}

/** One thread's place in the pool: a thread that died is replaced when there is work for it. */
interface Seat {
  thread: HashThread | undefined;
  busy: boolean;
}

export class LxrPool implements Hasher, NonceSearch {
  readonly bits: number;
  readonly #queueLimit: number;
  readonly #logger: Logger;
  readonly #start: () => HashThread;
  readonly #seats: readonly Seat[];
  readonly #queues: Readonly<Record<Urgency, Queued[]>> = { share: [], later: [] };
  readonly #searches: Work[] = [];
  /** Whose turn it is where shares and others wait. */
  #turn: Urgency = "share";
  #open = 0;
  #onIdle: (() => void)[] = [];
  #scheduled = false;
  #closed: boolean = false;

  /** Throws RangeError on a bad number of threads, CodedError "lxr-no-region" when the table has not enough free regions for the threads. */
  constructor(options: LxrPoolOptions, modules: { logger: Logger }) {
    const { table, threads, queueLimit = DEFAULT_QUEUE_LIMIT } = options;
    if (!Number.isInteger(threads) || threads < 0 || threads > MAX_THREADS)
      throw new RangeError(`threads: expected a whole number from 0 to ${MAX_THREADS}, got ${threads}`);
    const script = options.script ?? new URL("./worker.ts", import.meta.url);
    this.bits = table.bits;
    this.#queueLimit = queueLimit;
    this.#logger = modules.logger;
    this.#start = threads === 0 ? () => startInline(table) : () => startThread(table, script);
    this.#seats = Array.from({ length: Math.max(1, threads) }, () => ({
      thread: this.#start(),
      busy: false,
    }));
  }

  /** Inputs waiting for a thread. */
  get queued(): number {
    return this.#queues.share.length + this.#queues.later.length;
  }

  canAcceptWork(): boolean {
    return !this.#closed && this.queued < this.#queueLimit;
  }

  /**
   * Rejects with CodedError "hasher-closed", "hasher-full" (see `queueLimit`) or "hash-thread-died" (twice, with this input's batch), and
   * with RangeError on an input longer than 64 KiB.
   */
  async hash(inputs: readonly Uint8Array[], urgency: Urgency = "later"): Promise<Uint8Array[]> {
    this.#checkOpen();
    if (this.queued >= 2 * this.#queueLimit)
      throw new CodedError(
        "hasher-full",
        `${this.queued} inputs wait to be hashed and at most ${2 * this.#queueLimit} may: ask canAcceptWork before hashing, or add threads`,
      );
    const tooLong = inputs.find((input) => input.length > MAX_INPUT_BYTES);
    if (tooLong)
      throw new RangeError(`an input has ${tooLong.length} bytes; at most ${MAX_INPUT_BYTES} can be hashed`);
    if (inputs.length === 0) return [];
    return this.#tracked((resolve, reject) => {
      const request = {
        hashes: new Array<Uint8Array>(inputs.length),
        missing: inputs.length,
        resolve,
        reject,
      };
      const queue = this.#queues[urgency];
      inputs.forEach((input, index) => {
        queue.push({ input, index, request });
      });
    });
  }

  /** Rejects with CodedError "hasher-closed" or "hash-thread-died", and with RangeError on a range out of bounds. */
  async search(range: NonceRange): Promise<BigUint64Array> {
    this.#checkOpen();
    checkNonceRange(range);
    return this.#tracked((resolve, reject) => {
      const on = async (thread: HashThread): Promise<void> => resolve(await thread.search(range));
      this.#searches.push({ inputs: range.count, on, reject });
    });
  }

  /** Takes no more work, finishes what was taken, ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#open > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await Promise.all(this.#seats.map((seat) => seat.thread?.stop()));
  }

  #checkOpen(): void {
    if (this.#closed) throw new CodedError("hasher-closed", "the hasher is closed: it takes no more work");
  }

  /** A promise that `close` waits for. */
  #tracked<Answer>(
    queue: (resolve: (answer: Answer) => void, reject: (error: Error) => void) => void,
  ): Promise<Answer> {
    this.#open += 1;
    this.#schedule();
    let isOpen = true;
    const settled = (): void => {
      if (isOpen) this.#open -= 1;
      isOpen = false;
      if (this.#open === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    };
    return new Promise((resolve, reject) =>
      queue(
        (answer) => {
          settled();
          resolve(answer);
        },
        (error) => {
          settled();
          reject(error);
        },
      ),
    );
  }

  /** Starts a little later, so that all lines of one read from a socket become one batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  /** Gives every free thread something to do. */
  #dispatch(): void {
    let free = this.#seats.reduce((count, seat) => count + (seat.busy ? 0 : 1), 0);
    for (const seat of this.#seats) {
      if (seat.busy) continue;
      const work = this.#next(free);
      if (work === undefined) return;
      free -= 1;
      seat.busy = true;
      void this.#run(seat, work).then(() => {
        seat.busy = false;
        this.#dispatch();
      });
    }
  }

  /** The next thread's work, if this many are free. */
  #next(free: number): Work | undefined {
    const { share, later } = this.#queues;
    const others = later.length > 0 || this.#searches.length > 0;
    const takesShares = share.length > 0 && (this.#turn === "share" || !others);
    this.#turn = takesShares ? "later" : "share";
    if (takesShares) return hashing(takeBatch(share, free));
    return later.length > 0 ? hashing(takeBatch(later, free)) : this.#searches.shift();
  }

  /** Never rejects: a failure goes to those who asked. */
  async #run(seat: Seat, work: Work): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!seat.thread || seat.thread.isGone()) seat.thread = this.#start();
        await work.on(seat.thread);
        return;
      } catch (thrown) {
        const error = coerceError(thrown);
        this.#logger.error("A batch of hashes failed", {
          attempt,
          inputs: work.inputs,
          reason: error.message,
          cause: error.cause instanceof Error ? error.cause.message : undefined,
        });
        if (attempt === ATTEMPTS) {
          work.reject(error);
          return;
        }
      }
    }
  }
}

/** A free thread's part of the queue, no more than it can be handed at once. */
function takeBatch(queue: Queued[], free: number): Queued[] {
  const part = Math.min(MAX_LANES, Math.ceil(queue.length / free));
  let bytes = 0;
  let count = 0;
  while (count < part) {
    bytes += queue[count]?.input.length ?? 0;
    if (bytes > MAX_INPUT_BYTES) break;
    count += 1;
  }
  return queue.splice(0, count);
}

function hashing(batch: readonly Queued[]): Work {
  return {
    inputs: batch.length,
    on: async (thread) => deliver(batch, await thread.hash(batch.map(({ input }) => input))),
    reject(error) {
      for (const request of new Set(batch.map((queued) => queued.request))) request.reject(error);
    },
  };
}

function deliver(batch: readonly Queued[], hashes: readonly Uint8Array[]): void {
  if (hashes.length !== batch.length)
    throw new Error(`a hashing thread answered ${hashes.length} hashes to ${batch.length} inputs`);
  hashes.forEach((hash, i) => {
    const queued = batch[i];
    if (!queued) return;
    const { request, index } = queued;
    request.hashes[index] = hash;
    request.missing -= 1;
    if (request.missing === 0) request.resolve(request.hashes);
  });
}
