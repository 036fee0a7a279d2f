/** The queue between edges and accounting over SQS: standard queues suffice, since deltas commute and carry a key of their own (docs/design.md, "Deltas and close markers"). */

import { type BatchResultErrorEntry, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { QueueSender } from "../../shared/queue.ts";

export interface SqsSenderOptions {
  queueUrl: string;
  /** A request without an answer for this long is given up. */
  timeoutMs?: number;
  /** Requests under way at the same time. */
  concurrency?: number;
  /** The most messages that may wait for a request; above it, `send` rejects. */
  capacity?: number;
  /** Defaults to the environment's region, service and credentials. */
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export interface SqsSender extends QueueSender {
  /** Rejects what waits and closes the connections. */
  close(): void;
}

/** SQS takes 10 messages a request. */
const BATCH_MESSAGES = 10;
/** Bytes of all messages of a request: 256 KB, the limit that every region and emulator has. */
const BATCH_BYTES = 256 * 1024;

interface Waiting {
  readonly body: string;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: CodedError) => void;
}

/**
 * Messages that are sent while a request is under way go together in the next one. A message may arrive twice when an answer is lost; its key
 * makes that safe. `send` rejects with CodedError `queue-away`, also for a body above 256 KB (no delta is that long).
 */
export function createSqsSender(options: SqsSenderOptions): SqsSender {
  return new BatchingSender(options);
}

class BatchingSender implements SqsSender {
  readonly #options: SqsSenderOptions & { concurrency: number; capacity: number };
  readonly #client: SQSClient;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #isClosed = false;

  constructor(options: SqsSenderOptions) {
    this.#options = {
      ...options,
      concurrency: options.concurrency ?? 4,
      capacity: options.capacity ?? 10_000,
    };
    const timeoutMs = options.timeoutMs ?? 5_000;
    const { region, endpoint, credentials } = options;
    this.#client = new SQSClient({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      // A queue's URL may name a host that only the emulator's own network knows.
      useQueueUrlAsEndpoint: false,
      requestHandler: {
        requestTimeout: timeoutMs,
        connectionTimeout: timeoutMs,
        throwOnRequestTimeout: true,
      },
    });
  }

  send(body: string): Promise<void> {
    const bytes = Buffer.byteLength(body);
    const refusal = this.#refusal(bytes);
    if (refusal !== undefined) return Promise.reject(new CodedError("queue-away", refusal));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, bytes, resolve, reject });
      // After this turn, so that what is sent in it goes together.
      queueMicrotask(() => this.#pump());
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new CodedError("queue-away", "the sender is closed: send again after the start"));
    this.#client.destroy();
  }

  #refusal(bytes: number): string | undefined {
    if (this.#isClosed) return "the sender is closed: send again after the start";
    if (bytes > BATCH_BYTES) return `a message is ${bytes} bytes long, SQS takes ${BATCH_BYTES}`;
    if (this.#waiting.length >= this.#options.capacity)
      return `${this.#waiting.length} messages wait for SQS already: is it away? Send again later`;
    return undefined;
  }

  #pump(): void {
    while (this.#underWay < this.#options.concurrency && this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      this.#underWay++;
      void this.#sendBatch(batch).finally(() => {
        this.#underWay--;
        this.#pump();
      });
    }
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#waiting) {
      bytes += message.bytes;
      if (count === BATCH_MESSAGES || bytes > BATCH_BYTES) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Settles every message of the batch; never rejects. */
  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    const { queueUrl } = this.#options;
    try {
      const { Failed = [] } = await this.#client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: batch.map(({ body }, i) => ({ Id: `${i}`, MessageBody: body })),
        }),
      );
      const failed = new Map(Failed.map((entry) => [entry.Id, entry]));
      batch.forEach(({ resolve, reject }, i) => {
        const failure = failed.get(`${i}`);
        if (failure === undefined) resolve();
        else reject(new CodedError("queue-away", `SQS did not take a message: ${reasonOf(failure)}`));
      });
    } catch (thrown) {
      const error = coerceError(thrown);
      const away = new CodedError("queue-away", `SQS does not answer for ${queueUrl}: ${error.message}`, {
        cause: error,
      });
      for (const { reject } of batch) reject(away);
    }
  }
}

function reasonOf({ Code = "unknown", Message = "" }: BatchResultErrorEntry): string {
  return Message === "" ? Code : `${Code}: ${Message}`;
}
