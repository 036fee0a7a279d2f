/** The queue port between edges and accounting: at least once, in any order, as SQS standard queues promise. */

/** The sending side. Resolves when the queue has taken the message; rejects with CodedError `queue-away` (retry the same bytes). */
export interface QueueSender {
  send(body: string): Promise<void>;
}
