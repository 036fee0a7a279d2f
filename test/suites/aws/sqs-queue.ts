/** A queue with dead letters in an emulated SQS, and a poller that does what AWS's event source mapping does between it and a function. */

import { randomUUID } from "node:crypto";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { createSqsSender } from "../../../edge/aws/sqs-sender.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import type { QueueUnderTest, SqsHandler } from "../../support/contracts/queue.ts";

/** A failing message is visible again after so many seconds. */
const VISIBILITY = 1;
const MAX_RECEIVES = 5;
const CONNECTION = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };

/** Makes a queue of its own and delivers from it until `close`. */
export async function openSqsQueue(endpoint: string, handler: SqsHandler): Promise<QueueUnderTest> {
  const client = new SQSClient({ ...CONNECTION, endpoint, useQueueUrlAsEndpoint: false });
  const dead = await makeQueue(client, {});
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ["QueueArn"] }),
  );
  const queueUrl = await makeQueue(client, {
    VisibilityTimeout: `${VISIBILITY}`,
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: Attributes?.QueueArn,
      maxReceiveCount: MAX_RECEIVES,
    }),
  });
  const sender = createSqsSender({ ...CONNECTION, endpoint, queueUrl });
  const stopping = new AbortController();
  const polling = poll(client, queueUrl, handler, stopping.signal);
  const letters: string[] = [];
  return {
    sender,
    async deadLetters() {
      for (;;) {
        const messages = await receive(client, dead);
        if (messages.length === 0) return letters;
        letters.push(...messages.map((message) => message.Body ?? ""));
        await remove(client, dead, messages);
      }
    },
    async close() {
      stopping.abort();
      await polling;
      sender.close();
      client.destroy();
    },
  };
}

async function makeQueue(client: SQSClient, attributes: Record<string, string>): Promise<string> {
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({ QueueName: `test-${randomUUID()}`, Attributes: attributes }),
  );
  if (QueueUrl === undefined) throw new Error("the emulator made no queue");
  return QueueUrl;
}

/** Whole batches to the handler; what it did not report as failed is deleted, all else comes again after its visibility timeout. */
async function poll(
  client: SQSClient,
  queueUrl: string,
  handler: SqsHandler,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const messages = await receive(client, queueUrl);
    if (messages.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    try {
      const { batchItemFailures } = await handler({ Records: messages.map(toRecord) }, LOCAL_CONTEXT);
      const failed = new Set(batchItemFailures.map((failure) => failure.itemIdentifier));
      await remove(
        client,
        queueUrl,
        messages.filter((message) => !failed.has(message.MessageId ?? "")),
      );
    } catch {
      // The function failed: nothing is deleted.
    }
  }
}

async function receive(client: SQSClient, queueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    }),
  );
  return Messages;
}

async function remove(client: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  const Entries = messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle }));
  await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
}

function toRecord({
  MessageId = "",
  ReceiptHandle = "",
  Body = "",
  Attributes = {},
  MD5OfBody = "",
}: Message): SQSRecord {
  return {
    ...{
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      md5OfBody: MD5OfBody,
      messageAttributes: {},
    },
    ...{
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:test",
      awsRegion: "us-east-1",
    },
    attributes: {
      ...{
        ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? "0",
        SentTimestamp: "0",
        SenderId: "test",
      },
      ApproximateFirstReceiveTimestamp: "0",
    },
  };
}
