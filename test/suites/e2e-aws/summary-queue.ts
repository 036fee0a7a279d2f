/** The deployed queue of summaries and its dead letters, as SQS shows them. */

import { performance } from "node:perf_hooks";
import {
  GetQueueAttributesCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Cloud } from "../../../infra/emulator/cloud.ts";
import { until } from "../../support/until.ts";

export class SummaryQueue {
  readonly #sqs: SQSClient;
  readonly #url: string;
  readonly #deadLettersUrl: string;

  constructor({ emulator, outputs }: Cloud) {
    this.#url = outputs.QueueUrl;
    this.#deadLettersUrl = outputs.DeadLettersUrl;
    this.#sqs = new SQSClient({
      region: "us-east-1",
      endpoint: emulator.endpoint,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      useQueueUrlAsEndpoint: false,
    });
  }

  /** Messages that were not deleted yet, those that are hidden too. */
  messages(): Promise<number> {
    return this.#messagesIn(this.#url);
  }

  deadLetters(): Promise<number> {
    return this.#messagesIn(this.#deadLettersUrl);
  }

  attributes(...names: QueueAttributeName[]): Promise<Partial<Record<string, string>>> {
    return this.#attributesOf(this.#url, names);
  }

  /** Sends what can never be applied. Resolves when it is among the dead letters, with the time that took. */
  async poison(name: string): Promise<number> {
    const body = JSON.stringify({ v: 1, kind: "delta", poison: name });
    const sentMs = performance.now();
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#url, MessageBody: body }));
    const receive = {
      QueueUrl: this.#deadLettersUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      VisibilityTimeout: 0,
    };
    await until(
      `the poison ${name} among the dead letters`,
      async () => {
        const { Messages = [] } = await this.#sqs.send(new ReceiveMessageCommand(receive));
        return Messages.some((message) => message.Body === body);
      },
      { withinMs: 90_000, everyMs: 200 },
    );
    return performance.now() - sentMs;
  }

  async #messagesIn(url: string): Promise<number> {
    const counts = await this.#attributesOf(url, [
      "ApproximateNumberOfMessages",
      "ApproximateNumberOfMessagesNotVisible",
    ]);
    return Object.values(counts).reduce((sum, text) => sum + Number(text), 0);
  }

  async #attributesOf(
    QueueUrl: string,
    AttributeNames: QueueAttributeName[],
  ): Promise<Partial<Record<string, string>>> {
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames }),
    );
    return Attributes;
  }
}
