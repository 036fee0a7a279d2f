/**
 * The queue of a pool in one process. It calls the accounting function's Lambda handler with the events that
 * SQS would send. It delivers at least once and in any order. Messages are in memory only: what is lost with
 * a dying process, the edge's journal sends again.
 */

import { createHash } from "node:crypto";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import { toHex } from "../../shared/bytes.ts";
import type { Clock, Random, Timer } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";
import { type LogSink, openLogFile } from "../log-file.ts";

export interface LocalQueueOptions {
  /** Messages held at most, waiting, in the handler's hands or about to be tried again. Full: `send` rejects with `queue-away`. */
  readonly capacity?: number;
  /** Bytes of bodies held at most. */
  readonly capacityBytes?: number;
  /** Records of one event at most. */
  readonly batchSize?: number;
  /** Events handled at the same time. */
  readonly concurrency?: number;
  /** A message not handled in this time is delivered once more, while the first delivery goes on. */
  readonly visibilityMs?: number;
  /** Receives after which a failing message goes to the dead letters. */
  readonly maxReceives?: number;
  /** Wait before the next receive: doubles from the first to the longest. */
  readonly retryMs?: { readonly first: number; readonly longest: number };
  /** Where dead letters are appended, one JSON line each. */
  readonly deadLetterFile?: string;
}

export interface LocalQueueModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
}

/** A message that failed too often. The newest 1,000 are kept here, all of them in the file. */
export interface DeadLetter {
  readonly messageId: string;
  readonly body: string;
  readonly receives: number;
  readonly atMs: number;
}

export interface LocalQueueStats {
  readonly held: number;
  readonly heldBytes: number;
  /** Counted from the start of the queue. */
  readonly deadLetters: number;
}

export interface LocalQueue extends QueueSender {
  stats(): LocalQueueStats;
  deadLetters(): readonly DeadLetter[];
  /**
   * Takes no more messages, delivers for at most `drainMs`, returns how many it gave up (the journal has
   * them).
   */
  stop(drainMs: number): Promise<number>;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly bytes: number;
  readonly sentMs: number;
  firstReceivedMs: number;
  receives: number;
  /** The number of the latest delivery. A failure of an earlier delivery does not count. */
  receipt: number;
}

const KEPT_DEAD_LETTERS = 1000;
/**
 * The pause after the handler itself failed (the database is away). It doubles with each failure in a row.
 */
const PAUSE_MS = { first: 100, longest: 5000 };

export function createLocalQueue(options: LocalQueueOptions, modules: LocalQueueModules): LocalQueue {
  return new InProcessQueue(options, modules);
}

class InProcessQueue implements LocalQueue {
  readonly #options: Required<Omit<LocalQueueOptions, "deadLetterFile">>;
  readonly #deadLetterFile: string | undefined;
  readonly #deadLetters: LogSink | undefined;
  readonly #modules: LocalQueueModules;
  readonly #held = new Map<string, Message>();
  readonly #dead: DeadLetter[] = [];
  readonly #timers = new Set<Timer>();
  #ready: Message[] = [];
  #heldBytes = 0;
  #deadCount = 0;
  #running = 0;
  #receipts = 0;
  /** Deliveries in a row in which the handler itself failed. */
  #failures = 0;
  #isPaused = false;
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: LocalQueueOptions, modules: LocalQueueModules) {
    const { deadLetterFile, ...rest } = options;
    this.#deadLetterFile = deadLetterFile;
    const complain = (message: string): void =>
      modules.logger.error(`dead letters are kept in memory only: ${message}`);
    if (deadLetterFile !== undefined) this.#deadLetters = openLogFile(deadLetterFile, complain, 0o600);
    this.#options = {
      capacity: 10_000,
      capacityBytes: 64 * 1024 * 1024,
      batchSize: 500,
      concurrency: 2,
      visibilityMs: 60_000,
      maxReceives: 5,
      retryMs: { first: 500, longest: 60_000 },
      ...rest,
    };
    this.#modules = modules;
  }

  async send(body: string): Promise<void> {
    const bytes = Buffer.byteLength(body);
    const { capacity, capacityBytes } = this.#options;
    if (this.#isStopping)
      throw new CodedError("queue-away", "the queue is stopping: send again after the start");
    if (this.#held.size >= capacity || this.#heldBytes + bytes > capacityBytes) {
      throw new CodedError(
        "queue-away",
        `the queue is full with ${this.#held.size} messages of ${this.#heldBytes} bytes: is the database away? Send again later`,
      );
    }
    const { clock, random } = this.#modules;
    const id = toHex(random(16));
    const message = { id, body, bytes, sentMs: clock.wallMs(), firstReceivedMs: 0, receives: 0, receipt: 0 };
    this.#held.set(id, message);
    this.#heldBytes += bytes;
    this.#ready.push(message);
    this.#pump();
  }

  stats(): LocalQueueStats {
    return { held: this.#held.size, heldBytes: this.#heldBytes, deadLetters: this.#deadCount };
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#dead;
  }

  async stop(drainMs: number): Promise<number> {
    this.#isStopping = true;
    if (this.#held.size > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        this.#after(drainMs, resolve);
      });
    }
    for (const timer of this.#timers) timer.stop();
    this.#timers.clear();
    this.#ready = [];
    const left = this.#held.size;
    this.#held.clear();
    if (left > 0)
      this.#modules.logger.warn("The queue stopped with messages left; the journal keeps them", { left });
    return left;
  }

  #after(delayMs: number, fn: () => void): Timer {
    const timer = this.#modules.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      fn();
    });
    this.#timers.add(timer);
    return timer;
  }

  #pump(): void {
    while (!this.#isPaused && this.#running < this.#options.concurrency && this.#ready.length > 0) {
      const batch = this.#ready
        .splice(0, this.#options.batchSize)
        .filter((message) => this.#held.has(message.id));
      if (batch.length === 0) continue;
      this.#running++;
      void this.#deliver(batch).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

  async #deliver(batch: readonly Message[]): Promise<void> {
    const { clock, handler, logger } = this.#modules;
    const receipt = ++this.#receipts;
    for (const message of batch) {
      message.receives++;
      message.receipt = receipt;
      message.firstReceivedMs ||= clock.wallMs();
    }
    const mine = (message: Message): boolean => message.receipt === receipt && this.#held.has(message.id);
    const visibility = this.#after(this.#options.visibilityMs, () => this.#retry(batch.filter(mine), 0));
    try {
      const response = await handler({ Records: batch.map(toRecord) }, LOCAL_CONTEXT);
      const failed = new Set(response.batchItemFailures.map((failure) => failure.itemIdentifier));
      this.#failures = 0;
      for (const message of batch) {
        if (!failed.has(message.id)) this.#release(message);
        else if (mine(message)) this.#fail(message);
      }
    } catch (thrown) {
      // Unlike in SQS, a receive in which the handler failed does not count: outages make no dead letters.
      logger.warn("The accounting function failed; its messages come again", { error: coerceError(thrown) });
      const again = batch.filter(mine);
      for (const message of again) message.receives--;
      this.#ready.unshift(...again);
      this.#pause();
    } finally {
      visibility.stop();
      this.#timers.delete(visibility);
    }
  }

  #release(message: Message): void {
    if (!this.#held.delete(message.id)) return;
    this.#heldBytes -= message.bytes;
    if (this.#held.size === 0) this.#onEmpty?.();
  }

  #fail(message: Message): void {
    const { first, longest } = this.#options.retryMs;
    if (message.receives < this.#options.maxReceives) {
      this.#retry([message], Math.min(first * 2 ** (message.receives - 1), longest));
      return;
    }
    const { id: messageId, body, receives } = message;
    const letter = { messageId, body, receives, atMs: this.#modules.clock.wallMs() };
    this.#deadCount++;
    this.#dead.push(letter);
    if (this.#dead.length > KEPT_DEAD_LETTERS) this.#dead.shift();
    this.#release(message);
    const file = this.#deadLetterFile;
    this.#modules.logger.error("A message failed too often and is now a dead letter", {
      messageId,
      receives,
      file,
    });
    this.#deadLetters?.write(`${JSON.stringify(letter)}\n`);
  }

  #retry(messages: readonly Message[], delayMs: number): void {
    const back = (): void => {
      this.#ready.push(...messages);
      this.#pump();
    };
    if (delayMs === 0) back();
    else this.#after(delayMs, back);
  }

  #pause(): void {
    this.#isPaused = true;
    const delayMs = Math.min(PAUSE_MS.first * 2 ** this.#failures++, PAUSE_MS.longest);
    this.#after(delayMs, () => {
      this.#isPaused = false;
      this.#pump();
    });
  }
}

function toRecord(message: Message): SQSRecord {
  return {
    messageId: message.id,
    receiptHandle: `${message.id}.${message.receipt}`,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: `${message.receives}`,
      SentTimestamp: `${message.sentMs}`,
      SenderId: "local",
      ApproximateFirstReceiveTimestamp: `${message.firstReceivedMs}`,
    },
    messageAttributes: {},
    // The name that SQS gives its checksum. MD5 protects nothing here.
    md5OfBody: createHash("md5").update(message.body).digest("hex"),
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:local:000000000000:summaries",
    awsRegion: "local",
  };
}
