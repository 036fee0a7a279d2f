/** Summaries on their way. Each is sent until the queue takes it, and again until the books have it; always with the same bytes. */

import type { Clock, Random } from "../../shared/clock.ts";
import { sleep } from "../../shared/clock.ts";
import type { EdgeRecords, TallyKey } from "../../shared/db/edges.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { QueueSender } from "../../shared/queue.ts";

export interface SummaryOutboxOptions {
  /** The most bytes of bodies that are kept. Above that, periodic cuts wait and windows grow. Last cuts and markers always fit. */
  readonly limitBytes: number;
  /** If the queue took a message and the books do not have it after this long, it is sent again. */
  readonly resendAfterMs: number;
}

export interface SummaryOutboxModules {
  readonly queue: QueueSender;
  readonly records: EdgeRecords;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface SummaryOutboxStats {
  /** Messages that the queue does not have yet. */
  readonly waiting: number;
  /** Messages not known to be in the books; `bytes` is their length. */
  readonly unconfirmed: number;
  readonly bytes: number;
}

interface Message {
  readonly key: TallyKey;
  /** Undefined: the close marker. */
  readonly seq: number | undefined;
  readonly body: string;
  /** Monotonic; infinite while the queue never had it. */
  sentAtMs: number;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;
/** A long outage of the queue is an alarm, because shares are then on this edge's disk alone. */
const ALARM_MS = 60_000;

export class SummaryOutbox {
  readonly #options: SummaryOutboxOptions;
  readonly #modules: SummaryOutboxModules;
  /** All messages that are not known to be in the books. */
  readonly #messages = new Map<string, Message>();
  /** Those of them that the queue does not have, oldest first. */
  readonly #waiting = new Set<Message>();
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #stop = new AbortController();
  #started = false;
  #awaySinceMs: number | undefined;
  #isAlarmed = false;

  constructor(options: SummaryOutboxOptions, modules: SummaryOutboxModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** A delta's exact text. Its cut must be durable. */
  addDelta(key: TallyKey, seq: number, body: string): void {
    this.#add({ key, seq, body, sentAtMs: Number.POSITIVE_INFINITY });
  }

  /** Adds a close marker. Its record must be durable. */
  addMarker(key: TallyKey, lastSeq: number): void {
    const { job, slot, epoch } = key;
    const body = JSON.stringify({ v: 1, kind: "close", job, slot, epoch, lastSeq });
    this.#add({ key, seq: undefined, body, sentAtMs: Number.POSITIVE_INFINITY });
  }

  /** Begins to send what has been added, and what will be. */
  start(): void {
    this.#started = true;
    this.#wake();
  }

  hasRoom(): boolean {
    return this.#bytes < this.#options.limitBytes;
  }

  stats(): SummaryOutboxStats {
    return { waiting: this.#waiting.size, unconfirmed: this.#messages.size, bytes: this.#bytes };
  }

  /** Drops the messages that the books have. Sends those again that the books should have had long ago. Rejects with `db-away`. */
  async confirm(): Promise<void> {
    const deltas = [...this.#messages.values()].filter(({ seq }) => seq !== undefined);
    for (const { seq, ...key } of await this.#modules.records.appliedSeqs(seqRanges(deltas)))
      this.#drop(messageId(key, seq));
    const nowMs = this.#modules.clock.monotonicMs();
    for (const message of this.#messages.values())
      if (nowMs - message.sentAtMs > this.#options.resendAfterMs) this.#waiting.add(message);
    this.#wake();
  }

  /** The books have everything of this key, the marker too. */
  dropMarker(key: TallyKey): void {
    this.#drop(messageId(key, undefined));
  }

  /** Resolves when the queue has everything, or when `signal` aborts. */
  async flushed(signal: AbortSignal): Promise<void> {
    while (this.#waiting.size > 0 && !signal.aborted && !this.#stop.signal.aborted)
      await sleep(this.#modules.clock, FIRST_RETRY_MS / 4, signal);
  }

  /** Stops sending. What is left is in the journal. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }

  #add(message: Message): void {
    const id = messageId(message.key, message.seq);
    if (this.#messages.has(id)) return;
    this.#messages.set(id, message);
    this.#waiting.add(message);
    this.#bytes += message.body.length;
    this.#wake();
  }

  #drop(id: string): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    this.#messages.delete(id);
    this.#waiting.delete(message);
    this.#bytes -= message.body.length;
  }

  #wake(): void {
    if (!this.#started || this.#stop.signal.aborted) return;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.size > 0) this.#wake();
    });
  }

  async #send(): Promise<void> {
    const { queue, clock, random } = this.#modules;
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      const [message] = this.#waiting;
      if (message === undefined || this.#stop.signal.aborted) return;
      try {
        await queue.send(message.body);
        message.sentAtMs = clock.monotonicMs();
        this.#waiting.delete(message);
        retryMs = FIRST_RETRY_MS;
        this.#queueIsBack();
      } catch (thrown) {
        this.#queueIsAway(coerceError(thrown));
        // A random wait between half of it and all of it, so that edges do not all come back at the same time.
        const jitter = ((random(1)[0] ?? 0) / 255 + 1) / 2;
        await sleep(clock, retryMs * jitter, this.#stop.signal);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  #queueIsAway(error: Error): void {
    const { clock, logger } = this.#modules;
    this.#awaySinceMs ??= clock.monotonicMs();
    const facts = { error: error.message, ...this.stats() };
    if (this.#isAlarmed || clock.monotonicMs() - this.#awaySinceMs < ALARM_MS) {
      logger.warn("the queue does not take summaries; trying again, nothing is lost meanwhile", facts);
      return;
    }
    this.#isAlarmed = true;
    logger.error("the queue has taken no summary for a minute: shares are on this edge's disk alone", facts);
  }

  #queueIsBack(): void {
    if (this.#isAlarmed) this.#modules.logger.info("the queue takes summaries again");
    this.#awaySinceMs = undefined;
    this.#isAlarmed = false;
  }
}

function messageId(key: TallyKey, seq: number | undefined): string {
  return `${key.job}/${key.slot}/${key.epoch}/${seq ?? "close"}`;
}

/** The lowest and the highest seq of each tally among these messages. */
function seqRanges(messages: readonly Message[]): (TallyKey & { fromSeq: number; toSeq: number })[] {
  const ranges = new Map<string, TallyKey & { fromSeq: number; toSeq: number }>();
  for (const { key, seq = 0 } of messages) {
    const id = messageId(key, undefined);
    const known = ranges.get(id) ?? { ...bare(key), fromSeq: seq, toSeq: seq };
    ranges.set(id, {
      ...known,
      fromSeq: Math.min(known.fromSeq, seq),
      toSeq: Math.max(known.toSeq, seq),
    });
  }
  return [...ranges.values()];
}

function bare({ job, slot, epoch }: TallyKey): TallyKey {
  return { job, slot, epoch };
}
