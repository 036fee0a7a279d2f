/**
 * Hashing in worker threads over one shared table. All that is queued when a thread is free becomes its next batch. So a single share
 * does not wait for others, and high load makes large batches, which hash up to twenty times faster per input.
 */

import { CodedError, coerceError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type HashThread, startInline, startThread } from "./hash-thread.ts";
import type { Hasher } from "./hasher.ts";
import { MAX_LANES, REGIONS } from "./kernel/layout.ts";
import { MAX_INPUT_BYTES } from "./kernel.ts";
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
  readonly inputs: readonly Uint8Array[];
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

/** One thread's place in the pool: a thread that died is replaced when there is work for it. */
interface Seat {
  thread: HashThread | undefined;
  busy: boolean;
}

export class LxrPool implements Hasher {
  readonly bits: number;
  readonly #queueLimit: number;
  readonly #logger: Logger;
  readonly #start: () => HashThread;
  readonly #seats: readonly Seat[];
  readonly #pending = new Set<Promise<unknown>>();
  #queue: Queued[] = [];
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
    return this.#queue.length;
  }

  canAcceptWork(): boolean {
    return !this.#closed && this.#queue.length < this.#queueLimit;
  }

  /**
   * Rejects with CodedError "hasher-closed", "hasher-full" (see `queueLimit`) or "hash-thread-died" (twice, with this input's batch), and
   * with RangeError on an input longer than 64 KiB.
   */
  async hash(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    if (this.#closed) throw new CodedError("hasher-closed", "the hasher is closed: it takes no more work");
    if (this.#queue.length >= 2 * this.#queueLimit)
      throw new CodedError(
        "hasher-full",
        `${this.#queue.length} inputs wait to be hashed and at most ${2 * this.#queueLimit} may: ask canAcceptWork before hashing, or add threads`,
      );
    const tooLong = inputs.find((input) => input.length > MAX_INPUT_BYTES);
    if (tooLong)
      throw new RangeError(`an input has ${tooLong.length} bytes; at most ${MAX_INPUT_BYTES} can be hashed`);
    if (inputs.length === 0) return [];
    const hashed = new Promise<Uint8Array[]>((resolve, reject) => {
      const request = {
        inputs,
        hashes: new Array<Uint8Array>(inputs.length),
        missing: inputs.length,
        resolve,
        reject,
      };
      inputs.forEach((input, index) => {
        this.#queue.push({ input, index, request });
      });
    });
    this.#schedule();
    const settled = hashed.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return hashed;
  }

  /** Takes no more work, finishes what was taken, ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    await Promise.all(this.#seats.map((seat) => seat.thread?.stop()));
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

  /** Shares the queue out among the free threads. */
  #dispatch(): void {
    const free = this.#seats.filter((seat) => !seat.busy);
    const share = Math.min(MAX_LANES, Math.ceil(this.#queue.length / Math.max(1, free.length)));
    for (const seat of free) {
      if (this.#queue.length === 0) return;
      const batch = this.#queue.splice(0, share);
      seat.busy = true;
      void this.#run(seat, batch).then(() => {
        seat.busy = false;
        this.#dispatch();
      });
    }
  }

  /** Never rejects: a failure goes to the requests of the batch. */
  async #run(seat: Seat, batch: readonly Queued[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!seat.thread || seat.thread.isGone()) seat.thread = this.#start();
        deliver(batch, await seat.thread.run(batch.map(({ input }) => input)));
        return;
      } catch (thrown) {
        const error = coerceError(thrown);
        this.#logger.error("A batch of hashes failed", {
          attempt,
          inputs: batch.length,
          reason: error.message,
          cause: error.cause instanceof Error ? error.cause.message : undefined,
        });
        if (attempt === ATTEMPTS) {
          for (const { request } of batch) request.reject(error);
          return;
        }
      }
    }
  }
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
